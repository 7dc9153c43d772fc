/** Advisory locks on whole files, released by the kernel when their process ends (`man 2 flock`). */
import { checked, errnoName, lastErrno, native } from "./libc.ts";

const flock = native("int flock(int fd, int operation)");
const LOCK = { shared: 1, exclusive: 2 } as const;
const LOCK_NB = 4;
const LOCK_UN = 8;

/**
 * Takes the lock, or converts the one that `fd` holds; never waits. A conversion that fails gives the old lock up.
 * @returns false when others hold a lock that excludes this one
 */
export function tryLock(fd: number, kind: "shared" | "exclusive"): boolean {
  const result = flock(fd, LOCK[kind] | LOCK_NB);
  if (result < 0 && errnoName(lastErrno()) === "EAGAIN") return false;
  checked(result, "flock");
  return true;
}

/** Gives the lock of `fd` back; closing `fd` does the same. */
export function unlock(fd: number): void {
  checked(flock(fd, LOCK_UN), "flock");
}
