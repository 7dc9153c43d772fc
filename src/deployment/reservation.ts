/**
 * Space that is held while an update is fetched, so that no other writer takes it in between: blocks of a file that has no
 * name any more. They are free again when it is closed, also by the end of the process.
 */
import { closeSync, ftruncateSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { allocate } from "#sys/fallocate.ts";

export interface Reservation {
  /** Gives back all but this many bytes. Where only the whole can be given back, nothing happens before 0. */
  keep(bytes: number): void;
  [Symbol.dispose](): void;
}

export interface ReservationOptions {
  /** For FAT, whose blocks cannot be taken unwritten as part of a file. Such a reservation is given back as a whole. */
  readonly whole?: boolean;
}

/** Name of the file for the moment in which it has one. */
const NAME = ".ashlar-reserved";

/**
 * Holds `bytes` of the file system of a folder. Where the file system cannot reserve, nothing is held.
 * @throws ENOSPC; nothing is held then
 */
export function reserve(folder: string, bytes: number, { whole = false }: ReservationOptions = {}): Reservation {
  const path = join(folder, NAME);
  const fd = openSync(path, "w", 0o600);
  let held = bytes;
  let open = true;
  const close = (): void => {
    if (open) closeSync(fd);
    open = false;
  };
  try {
    rmSync(path);
    if (bytes <= 0 || !allocate(fd, bytes, whole)) close();
  } catch (error) {
    close();
    throw error;
  }
  return {
    keep: (left) => {
      if (left <= 0) close();
      if (!open || whole || left >= held) return;
      ftruncateSync(fd, left);
      held = left;
    },
    [Symbol.dispose]: close,
  };
}
