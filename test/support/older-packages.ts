/** Locks with older versions of real packages: what a project's lock was before the archive got newer ones. */
import { createCatalog, lockedPackage } from "#archive/catalog.ts";
import type { Catalog } from "#archive/catalog.ts";
import { openArchives } from "#archive/open.ts";
import { parseDependencies } from "#formats/dependency.ts";
import { readLock, writeLock } from "#lock/file.ts";
import type { Lock, LockedPackage } from "#lock/lock.ts";
import type { Context } from "#pipeline";

/** The packages that the archives of a lock have. */
export async function catalogOf(lock: Lock, context: Context): Promise<Catalog> {
  const { suite, architecture, components } = lock.request;
  return createCatalog(await openArchives({ suite, architecture, components, snapshots: lock.archives, refresh: "missing" }, context));
}

/** Writes {@link withOlder} of a lock file into it. @returns false when the archive has only one version of each */
export async function lockOlder(path: string, names: readonly string[], context: Context): Promise<boolean> {
  const lock = readLock(path);
  const changed = withOlder(lock, names, await catalogOf(lock, context));
  if (changed !== undefined) writeLock(path, changed);
  return changed !== undefined;
}

/**
 * The lock with the second newest version of each named package that has one; of a kernel, also the package that the
 * older one depends on, which has its version in its name.
 * @returns undefined when the archive has only one version of each
 */
export function withOlder(lock: Lock, names: readonly string[], catalog: Catalog): Lock | undefined {
  const replaced = new Map<string, LockedPackage>();
  for (const name of names) {
    const here = lock.packages.find((each) => each.name === name);
    const older = catalog.candidates(name).find(({ version }) => here !== undefined && version !== here.version);
    if (older === undefined) continue;
    replaced.set(name, lockedPackage(older));
    if (!name.startsWith("linux-image-")) continue;
    const image = parseDependencies(older.depends)
      .flat()
      .find((relation) => relation.name.startsWith("linux-image-"))?.name;
    const now = lock.packages.find((each) => /^linux-image-[0-9]/.test(each.name))?.name;
    const [found] = catalog.candidates(image ?? "");
    if (found !== undefined && now !== undefined) replaced.set(now, lockedPackage(found));
  }
  return replaced.size === 0 ? undefined : { ...lock, packages: lock.packages.map((each) => replaced.get(each.name) ?? each) };
}
