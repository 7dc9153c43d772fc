/**
 * What a process that ended in the middle leaves behind, and how the next one to open the store clears it away.
 *
 *   tmp/…                        files written aside: removed, but for beginnings of objects (partial.ts)
 *   unsynced/<boot id>.<random>  a mark: somebody adds objects that are not yet known to be on the disk
 *
 * A mark of this boot means that a process was killed; what it wrote is whole in the page cache and is synced now. A mark
 * of an earlier boot means that the machine went down: names may have reached the disk before their content, so every
 * object is measured again and the torn ones are removed. Only one process, alone in the store, does this.
 */
import { randomBytes } from "node:crypto";
import { closeSync, mkdirSync, openSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { syncFolder } from "#sys/atomic.ts";
import { syncFileSystem } from "#sys/syncfs.ts";
import { checkObject } from "./check.ts";
import { listObjects, objectPath } from "./layout.ts";
import { bootId, isPartial } from "./partial.ts";
import type { Target } from "./place.ts";

/** Clears away what killed processes and power cuts left. The caller holds the exclusive lock. */
export function recover(target: Target): void {
  for (const name of readdirSync(join(target.root, "tmp")))
    if (!isPartial(name)) rmSync(join(target.root, "tmp", name), { recursive: true, force: true });
  const folder = join(target.root, "unsynced");
  const marks = readdirSync(folder);
  if (marks.length === 0) return;
  if (marks.some((mark) => !mark.startsWith(bootId()))) removeTorn(target);
  syncFileSystem(target.root);
  for (const mark of marks) rmSync(join(folder, mark), { force: true });
}

/** Leaves a durable mark before the first object of a session; returns its path. */
export function markUnsynced(root: string): string {
  const path = join(root, "unsynced", `${bootId()}.${randomBytes(8).toString("hex")}`);
  closeSync(openSync(path, "wx"));
  syncFolder(join(root, "unsynced"));
  return path;
}

/** The folders that {@link recover} looks after. */
export function makeRecoveryFolders(root: string): void {
  for (const name of ["tmp", "unsynced"]) mkdirSync(join(root, name), { recursive: true });
}

function removeTorn(target: Target): void {
  for (const object of listObjects(target.root).ids) {
    const { problem } = checkObject(target, object, false);
    if (problem?.kind === "corrupt") rmSync(objectPath(target.root, object), { force: true });
  }
}
