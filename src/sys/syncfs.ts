/** Makes a whole file system durable with one call: cheaper than fsync of each of thousands of files (`man 2 syncfs`). */
import { closeSync, constants, openSync } from "node:fs";
import { checked, native } from "./libc.ts";

const syncfs = native("int syncfs(int fd)");

/** Writes all that was changed on the file system of `folder` to the disk; write errors since the last call are thrown (ENOSPC, EIO). */
export function syncFileSystem(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    checked(syncfs(fd), "syncfs", folder);
  } finally {
    closeSync(fd);
  }
}
