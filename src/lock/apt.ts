/**
 * Debian's own apt answers what installing a list of packages into an empty system means. It sees the verified indexes as
 * if it had fetched them itself, an empty dpkg status, and no network:
 *
 *   <workspace>/archive/apt/<key>/sources.list    made up addresses below archive.invalid: nothing is ever fetched from them
 *   <workspace>/archive/apt/<key>/lists/          names that apt expects → ../../../<sha256> of Packages
 *   <workspace>/archive/apt/<key>/cache/          apt's binary cache, kept: building it takes most of the time
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasErrno } from "#errors";
import { runInToolchain } from "#toolchain/sandbox.ts";
import type { Toolchain } from "#toolchain/open.ts";
import type { Workspace } from "#workspace";
import type { Archive } from "#archive/open.ts";
import { BUILTIN, builtinPackage } from "#archive/builtin.ts";

export interface AptQuestion {
  readonly archives: readonly Archive[];
  readonly architecture: string;
  readonly install: readonly string[];
  readonly recommends: boolean;
  /** Versions to stay at, where the indexes still have them. */
  readonly pins: readonly { readonly name: string; readonly version: string }[];
  /** What is installed already, as dpkg's status file says it: nothing of it may go. An empty system when absent. */
  readonly installed?: string;
  /** Stanzas of a Packages index for packages that no archive has; asked for below the root {@link LOCAL}. */
  readonly local?: string;
}

/** apt says only this, and not what. */
const NOTHING_MAY_GO = "Packages need to be removed but remove is disabled";

/** Root of packages that the question brings itself. */
export const LOCAL = "local";

export interface AptContext {
  readonly workspace: Workspace;
  readonly toolchain: Toolchain;
}

/** What apt would install, as root and path of each package; or what it says instead. */
export type AptAnswer =
  | { readonly possible: true; readonly packages: readonly { readonly root: string; readonly path: string }[] }
  | { readonly possible: false; readonly output: string };

/** Asks apt. A request that cannot be met is an answer; exceptions are for apt not running at all. */
export async function askApt(question: AptQuestion, { workspace, toolchain }: AptContext): Promise<AptAnswer> {
  const view = prepareView(question, workspace);
  mkdirSync(workspace.work, { recursive: true });
  const run = mkdtempSync(join(workspace.work, "apt-"));
  try {
    for (const folder of ["state", "archives/partial"]) mkdirSync(join(run, folder), { recursive: true });
    writeFileSync(join(run, "status"), question.installed ?? "");
    writeFileSync(join(run, "preferences"), question.pins.map(pinStanza).join("\n"));
    const ask = async (...how: string[]): Promise<{ exitCode: number; output: string; errors: string }> => {
      const { exitCode, stdout, stderr } = await runInToolchain(
        toolchain,
        "apt-get",
        [...options(question), ...how, "install", ...question.install],
        {
          binds: [
            { from: view, to: "/apt" },
            { from: run, to: "/run/apt" },
            { from: workspace.archive, to: "/archive", readonly: true },
          ],
          allowFailure: true,
        },
      );
      return { exitCode, output: stdout.toString(), errors: stderr };
    };
    const { exitCode, output, errors } = await ask("--print-uris", ...(question.installed === undefined ? [] : ["--no-remove"]));
    if (exitCode === 0) return { possible: true, packages: parseUris(output) };
    if (!errors.includes(NOTHING_MAY_GO)) return { possible: false, output: `${output}\n${errors}` };
    const simulated = await ask("--simulate");
    const gone = [...simulated.output.matchAll(/^Remv (\S+)/gm)].map(([, name]) => `E: ${name} of the base would have to go`);
    return { possible: false, output: gone.length > 0 ? gone.join("\n") : errors };
  } finally {
    rmSync(run, { recursive: true, force: true });
  }
}

function options({ architecture, recommends, installed }: AptQuestion): string[] {
  const settings = {
    "Dir::Etc::sourcelist": "/apt/sources.list",
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::Etc::preferences": "/run/apt/preferences",
    "Dir::Etc::preferencesparts": "/dev/null",
    "Dir::State": "/run/apt/state",
    "Dir::State::lists": "/apt/lists",
    "Dir::State::status": "/run/apt/status",
    "Dir::Cache": "/apt/cache",
    "Dir::Cache::archives": "/run/apt/archives",
    "APT::Architecture": architecture,
    "APT::Architectures": architecture,
    "APT::Sandbox::User": "root",
  };
  return [
    ...Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    recommends ? "--install-recommends" : "--no-install-recommends",
    "-qq",
    "-y",
    ...(installed === undefined ? ["--allow-downgrades"] : []),
  ];
}

/** Over 1000, so that an older version is kept although a newer one is known (apt_preferences(5)). */
function pinStanza({ name, version }: { readonly name: string; readonly version: string }): string {
  return `Package: ${name}\nPin: version ${version}\nPin-Priority: 1001\n`;
}

function parseUris(output: string): { root: string; path: string }[] {
  return [...output.matchAll(/^'http:\/\/archive\.invalid\/([^/']+)\/([^']+)' /gm)].map(([, root = "", path = ""]) => ({
    root,
    path: decodeURIComponent(path),
  }));
}

/** The folder that shows one set of indexes to apt; made once. */
function prepareView({ archives, architecture, local }: AptQuestion, workspace: Workspace): string {
  const own = new Map([[BUILTIN, builtinPackage().stanza], ...(local === undefined ? [] : [[LOCAL, local] as const])]);
  const lines = archives.map(({ root, suite, components }) => sourceLine({ root, suite, architecture, components }));
  const ownLines = [...own.keys()].map((name) => sourceLine({ root: name, suite: name, architecture, components: ["main"] }));
  const sources = `${[...lines, ...ownLines].join("\n")}\n`;
  const lists = archives.flatMap(({ root, suite, indexes }) =>
    indexes.map(({ component, sha256 }) => ({ name: listName({ root, suite, component, architecture }), sha256 })),
  );
  const key = createHash("sha256")
    .update(JSON.stringify([sources, lists, builtinPackage().locked.sha256, ...(local === undefined ? [] : [local])]))
    .digest("hex")
    .slice(0, 32);
  const view = join(workspace.archive, "apt", key);
  if (existsSync(view)) return view;
  const aside = `${view}.${randomBytes(6).toString("hex")}.tmp`;
  for (const folder of ["lists/partial", "cache"]) mkdirSync(join(aside, folder), { recursive: true });
  writeFileSync(join(aside, "sources.list"), sources);
  for (const { name, sha256 } of lists) symlinkSync(`/archive/${sha256}`, join(aside, "lists", name));
  for (const [name, stanzas] of own)
    writeFileSync(join(aside, "lists", listName({ root: name, suite: name, component: "main", architecture })), stanzas);
  try {
    renameSync(aside, view);
  } catch (error) {
    // Another process made the same view meanwhile.
    if (!hasErrno(error, "ENOTEMPTY") && !hasErrno(error, "EEXIST")) throw error;
    rmSync(aside, { recursive: true, force: true });
  }
  return view;
}

/** Trusted, because every index was verified before apt sees it. */
function sourceLine(source: { root: string; suite: string; architecture: string; components: readonly string[] }): string {
  return `deb [trusted=yes arch=${source.architecture}] http://archive.invalid/${source.root} ${source.suite} ${source.components.join(" ")}`;
}

function listName(list: { root: string; suite: string; component: string; architecture: string }): string {
  return `archive.invalid_${list.root}_dists_${list.suite}_${list.component}_binary-${list.architecture}_Packages`;
}
