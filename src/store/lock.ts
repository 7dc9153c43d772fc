/**
 * The lock of a store: everybody who has it open holds it shared; collection and repair hold it exclusively. The kernel
 * gives it back when a process dies, so there are no stale locks.
 */
import { closeSync, constants, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AshlarError, hasErrno } from "#errors";
import { tryLock } from "#sys/flock.ts";
import type { StoreErrorCode } from "./errors.ts";

const POLL_MS = 20;
const LOCK_FILE_MODE = 0o644;

/**
 * Takes the shared lock and returns its descriptor. When nobody else has the store open, `alone` runs first.
 * @param timeout milliseconds to wait for a running collection
 * @throws E_STORE_BUSY
 */
export async function lockShared(root: string, timeout: number, alone: () => void): Promise<number> {
  const fd = openLock(root);
  try {
    for (let waited = 0; ; waited += POLL_MS) {
      if (tryLock(fd, "exclusive")) alone();
      if (tryLock(fd, "shared")) return fd;
      if (waited >= timeout) throw busy(root, "another process collects or repairs it", "wait for it to end and run the command again");
      await sleep(POLL_MS);
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * Runs `work` while nobody else has the store open; `fd` holds the shared lock before and after.
 * @throws E_STORE_BUSY at once when others have it open
 */
export async function exclusively<T>(root: string, fd: number, work: () => Promise<T>): Promise<T> {
  const held = tryLock(fd, "exclusive");
  try {
    if (!held) throw busy(root, "another process has it open", "wait for running builds and upgrades to end and run the command again");
    return await work();
  } finally {
    while (!tryLock(fd, "shared")) await sleep(POLL_MS);
  }
}

function openLock(root: string): number {
  const path = join(root, "lock");
  try {
    return openSync(path, constants.O_RDONLY);
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error;
    return openSync(path, constants.O_RDONLY | constants.O_CREAT, LOCK_FILE_MODE);
  }
}

function busy(root: string, why: string, hint: string): AshlarError<StoreErrorCode> {
  return new AshlarError("E_STORE_BUSY", `the store ${root} is in use: ${why}`, { hint, details: { root } });
}
