/** Pairs of real systems: Debian 13 as it was released, with security and updates applied, and smaller changes of it. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUILTIN, builtinPackage } from "#archive/builtin.ts";
import { createCatalog, lockedPackage } from "#archive/catalog.ts";
import { openArchives } from "#archive/open.ts";
import { suiteRoot } from "#archive/suites.ts";
import { askApt } from "#lock/apt.ts";
import { writeLock } from "#lock/file.ts";
import type { Lock } from "#lock/lock.ts";
import { buildSystem, lockSystem } from "#pipeline";
import type { Context } from "#pipeline";
import { openToolchain } from "#toolchain/open.ts";
import type { BuildRecord } from "../../src/pipeline/record.ts";
import { copyExamples } from "../../test/support/build-lab.ts";

/** What an update goes from and to. */
export interface Version {
  readonly record: BuildRecord;
  readonly lock: Lock;
}

export interface Change {
  readonly name: string;
  readonly from: Version;
  readonly to: Version;
}

/** What each set has besides a bootable minimal system (benchmarks of the design: S1, S2). */
export const SETS: Readonly<Record<string, readonly string[]>> = {
  S1: ["openssh-server", "python3", "nginx-light"],
  S2: ["openssh-server", "python3", "nginx-light", "build-essential"],
};

export interface Pairs {
  /** The whole update; then a kernel, a package, and a file alone. */
  all(): Promise<Change>;
  kernel(): Promise<Change>;
  package(): Promise<Change>;
  file(): Promise<Change>;
}

/** @param set of {@link SETS}. @param folder where the configs lie */
export async function pairsOf(set: string, folder: string, context: Context): Promise<Pairs> {
  const config = join(copyExamples(join(folder, set)), "minimal/system.ts");
  const text = readFileSync(config, "utf8").replace('name: "minimal",', `name: "minimal",\n    packages: ${JSON.stringify(SETS[set])},`);
  writeFileSync(config, text);
  const { lock: newest, path } = await lockSystem({ config }, context);
  const released = await lockOfRelease(newest, context);
  const version = async (lock: Lock, edit: (config: string) => string = (same) => same): Promise<Version> => {
    writeFileSync(config, edit(text));
    writeLock(path, lock);
    return { lock, record: await buildSystem({ config }, context) };
  };
  const mixed = (choose: (name: string) => boolean): Lock => {
    const ours = released.packages.filter(({ name }) => !choose(name));
    const packages = [...ours, ...newest.packages.filter(({ name }) => choose(name))];
    return { ...newest, packages: packages.sort((a, b) => (a.name < b.name ? -1 : 1)) };
  };
  // Only what is named changes: the dates of the archives are the same on both sides.
  const old = await version(mixed(() => false));
  const change = async (name: string, to: Promise<Version>): Promise<Change> => ({ name, from: old, to: await to });
  return {
    all: async () => ({ name: "release → security and updates", from: await version(released), to: await version(newest) }),
    kernel: () => change("the kernel alone", version(mixed((name) => name.startsWith("linux-")))),
    package: () => {
      const had = new Set(released.packages.map(({ sha256 }) => sha256));
      const [largest] = newest.packages
        .filter(({ name, sha256 }) => !had.has(sha256) && !name.startsWith("linux-"))
        .sort((a, b) => b.size - a.size);
      if (largest === undefined) throw new Error("no package but the kernel has changed");
      return change(`one package, ${largest.name}`, version(mixed((name) => name === largest.name)));
    },
    file: () =>
      change(
        "one file in /etc",
        version(
          mixed(() => false),
          (same) => same.replace("The smallest machine", "A small machine"),
        ),
      ),
  };
}

/** The lock that the suite of the release alone leads to, without its -updates and -security. */
async function lockOfRelease(lock: Lock, context: Context): Promise<Lock> {
  const { suite, architecture, components, recommends } = lock.request;
  const all = await openArchives({ suite, architecture, components, snapshots: lock.archives, refresh: "missing" }, context);
  const archives = all.filter((archive) => archive.suite === suite);
  const catalog = createCatalog(archives);
  const toolchain = await openToolchain("build", { ...context, packages: lock.tools.packages });
  const essential = catalog.essential().map(({ name }) => name);
  const install = [...new Set([...essential, ...lock.request.packages])].sort();
  const answer = await askApt({ archives, architecture, recommends, install, pins: [] }, { ...context, toolchain });
  if (!answer.possible) throw new Error(`apt finds no answer with ${suite} alone: ${answer.output}`);
  const packages = answer.packages.map(({ root, path }) => {
    if (root === BUILTIN) return builtinPackage().locked;
    const name = path.slice(path.lastIndexOf("/") + 1).split("_")[0] ?? "";
    const found = catalog.candidates(name).find((each) => each.path === path && suiteRoot(each.archive) === root);
    if (found === undefined) throw new Error(`${path} is not in ${suite}`);
    return lockedPackage(found);
  });
  return {
    ...lock,
    archives: lock.archives.filter((archive) => archive.suite === suite),
    packages: packages.sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/** Bytes of the package files that an update with apt would download. */
export function changedDebs({ from, to }: Change): number {
  const had = new Set(from.lock.packages.map(({ sha256 }) => sha256));
  return to.lock.packages.reduce((sum, { sha256, size }) => sum + (had.has(sha256) ? 0 : size), 0);
}
