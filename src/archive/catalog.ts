/** All packages of a suite's archives, looked up by name. */
import { compareVersions } from "#formats/debversion.ts";
import type { PackageIndex, PackageStanza } from "#formats/package-index.ts";
import type { Archive } from "./open.ts";
import type { LockedPackage } from "#lock/lock.ts";

export interface Candidate extends PackageStanza {
  /** The suite that has it. */
  readonly archive: string;
}

export interface Catalog {
  names(): Iterable<string>;
  /** All versions of a package, newest first; the same version in two suites is listed for the first of them. */
  candidates(name: string): Candidate[];
  /** The newest version of each package that provides a name, by package name. */
  providers(name: string): Candidate[];
  /** The newest version of each Essential package, by name. */
  essential(): Candidate[];
}

export function createCatalog(archives: readonly Archive[]): Catalog {
  const sources = archives.flatMap(({ suite, indexes }) => indexes.map(({ index }) => ({ suite, index })));
  const collect = (pick: (index: PackageIndex) => PackageStanza[]): Candidate[] =>
    sources.flatMap(({ suite, index }) => pick(index).map((stanza) => ({ ...stanza, archive: suite })));

  const candidates = (name: string): Candidate[] => {
    const seen = new Set<string>();
    return collect((index) => index.find(name))
      .filter((candidate) => !seen.has(candidate.version) && seen.add(candidate.version))
      .sort((a, b) => compareVersions(b.version, a.version));
  };
  const newestOf = (found: readonly Candidate[]): Candidate[] => {
    const names = [...new Set(found.map((candidate) => candidate.name))].sort();
    return names.flatMap((name) => candidates(name).slice(0, 1));
  };
  return {
    names: () => new Set(sources.flatMap(({ index }) => [...index.names()])),
    candidates,
    providers: (name) => newestOf(collect((index) => index.providers(name))),
    essential: () => newestOf(collect((index) => index.essential())),
  };
}

/** What a lock keeps of a candidate. */
export function lockedPackage(candidate: Candidate): LockedPackage {
  const { name, version, architecture, path, archive, size, sha256 } = candidate;
  return { name, version, architecture, path, archive, size, sha256 };
}
