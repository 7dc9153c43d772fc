/**
 * Layers: packages and folders on top of a base image. What they resolve to is asked of apt with the base as the installed
 * system, all layers at once and on one snapshot of the archive; nothing of the base may move for them.
 */
import { openArchives } from "#archive/open.ts";
import type { Archive } from "#archive/open.ts";
import { createCatalog, lockedPackage } from "#archive/catalog.ts";
import type { Catalog } from "#archive/catalog.ts";
import type { Mirror } from "#archive/mirror.ts";
import { suiteRoot } from "#archive/suites.ts";
import { parseDeb822, fieldOf } from "#formats/deb822.ts";
import type { Reporter } from "#report/reporter.ts";
import type { Toolchain } from "#toolchain/open.ts";
import type { Workspace } from "#workspace";
import { readableReasons } from "./apt-reason.ts";
import { LOCAL, askApt } from "./apt.ts";
import { lockError } from "./errors.ts";
import { checkKnown } from "./known.ts";
import type { LockedArchive, LockedPackage } from "./lock.ts";

/** What a set of layers resolves to. */
export interface LayerLock {
  readonly archives: readonly LockedArchive[];
  /** What comes on top of the base, sorted by name, then architecture; local ones have the archive "local". */
  readonly packages: readonly LockedPackage[];
}

/** A package as a file, known by its content. */
export interface LocalPackage {
  readonly locked: LockedPackage;
  /** The control file. */
  readonly control: string;
}

export interface LayerQuestion {
  readonly packages: readonly string[];
  readonly local: readonly LocalPackage[];
  /** dpkg's status file of the base. */
  readonly installed: string;
  readonly suite: string;
  readonly architecture: string;
  readonly components: readonly string[];
  readonly recommends: boolean;
  /** The archives that the base was resolved from: used again where they can still be had. */
  readonly snapshots: readonly LockedArchive[];
}

export interface LayerContext {
  readonly workspace: Workspace;
  readonly report: Reporter;
  readonly toolchain: Toolchain;
  readonly mirror?: Mirror;
  readonly keys?: readonly string[];
}

/** The archives of one resolution, and their packages. */
export interface LayerArchives {
  readonly archives: readonly Archive[];
  readonly catalog: Catalog;
  /** False when the mirror had only newer archives than those of the base. */
  readonly asOfBase: boolean;
}

/** Opens the base's archives, or the present ones. @throws E_ARCHIVE_*, E_MIRROR_UNKNOWN */
export async function openLayerArchives(
  question: Omit<LayerQuestion, "packages" | "local" | "installed">,
  context: LayerContext,
): Promise<LayerArchives> {
  const { suite, architecture, components, snapshots } = question;
  const archives = await openArchives({ suite, architecture, components, refresh: "missing", snapshots }, context);
  const wanted = new Set(snapshots.map(({ release }) => release));
  const asOfBase = archives.every(({ release }) => wanted.has(release));
  if (!asOfBase)
    context.report.note(
      "info",
      `the mirror no longer has the archive of the base; layers come from that of ${newest(archives).slice(0, 10)}`,
    );
  return { archives, catalog: createCatalog(archives), asOfBase };
}

/**
 * What the layers bring, with everything that they need and the base has not.
 * @throws E_LOCK_UNKNOWN_PACKAGE (with the nearest names), E_LOCK_UNSATISFIABLE (with apt's reason)
 */
export async function resolveLayers(
  question: LayerQuestion,
  { archives, catalog }: LayerArchives,
  context: LayerContext,
): Promise<LayerLock> {
  const used = archives.map(({ root, suite, components, date, release }) => ({ root, suite, components, date, release }));
  const have = installedVersions(question.installed);
  const names = question.packages.filter((name) => !have.has(name));
  if (names.length === 0 && question.local.length === 0) return { archives: used, packages: [] };
  checkKnown(names, catalog);
  const answer = await context.report.step("ask apt", () =>
    askApt(
      {
        archives,
        architecture: question.architecture,
        recommends: question.recommends,
        install: [...names, ...question.local.map(({ locked }) => `${locked.name}=${locked.version}`)].sort(),
        pins: [...have].map(([name, version]) => ({ name, version })),
        installed: question.installed,
        ...(question.local.length === 0 ? {} : { local: question.local.map(stanzaOf).sort().join("\n") }),
      },
      context,
    ),
  );
  if (!answer.possible) throw unsatisfiable(answer.output);
  const packages = answer.packages.map(({ root, path }) => lookUp(root, path, question.local, catalog));
  const changed = packages.find(({ name }) => have.has(name));
  if (changed !== undefined)
    throw unsatisfiable(`E: ${changed.name} of the base would change from ${have.get(changed.name) ?? ""} to ${changed.version}`);
  return { archives: used, packages: packages.sort((a, b) => compare(a.name, b.name) || compare(a.architecture, b.architecture)) };
}

/** Names of a status file's installed packages, with their versions. */
function installedVersions(status: string): Map<string, string> {
  return new Map(
    parseDeb822(status)
      .filter((paragraph) => fieldOf(paragraph, "Status")?.endsWith(" installed") === true)
      .map((paragraph) => [fieldOf(paragraph, "Package") ?? "", fieldOf(paragraph, "Version") ?? ""]),
  );
}

function stanzaOf({ locked, control }: LocalPackage): string {
  return `${control.trimEnd()}\nFilename: ${locked.path}\nSize: ${locked.size}\nSHA256: ${locked.sha256}\n`;
}

function lookUp(root: string, path: string, local: readonly LocalPackage[], catalog: Catalog): LockedPackage {
  const name = path.slice(path.lastIndexOf("/") + 1).split("_")[0] ?? "";
  const found =
    root === LOCAL
      ? local.find(({ locked }) => locked.path === path)?.locked
      : catalog
          .candidates(name)
          .filter((each) => each.path === path && suiteRoot(each.archive) === root)
          .map(lockedPackage)[0];
  if (found === undefined) throw lockError("E_LOCK_UNSATISFIABLE", `apt chose ${root}/${path}, which the verified indexes do not have`);
  return found;
}

function unsatisfiable(output: string): Error {
  const reasons = readableReasons(output);
  return lockError("E_LOCK_UNSATISFIABLE", `the layers do not go with the base:\n${reasons.map((reason) => `  ${reason}`).join("\n")}`, {
    hint: "leave out one of the packages named above, or put it into `packages` of the config: there the base can move with it",
    details: { reasons, output },
  });
}

const newest = (archives: readonly LockedArchive[]): string =>
  archives
    .map(({ date }) => date)
    .sort()
    .at(-1) ?? "";
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
