/**
 * Write aside, fsync, rename, fsync the folder: a reader sees the old file or the new one, also after a power cut.
 */
import { randomBytes } from "node:crypto";
import { closeSync, constants, fchmodSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { namesIfThere } from "./if-there.ts";
import { writeAll } from "./write-all.ts";

export interface WriteOptions {
  /** Permission bits; 0644 when absent. */
  readonly mode?: number;
}

/** Replaces `path` with `content` in one step, durably. The folder is created when missing. */
export function writeFileAtomic(path: string, content: Buffer | string, options: WriteOptions = {}): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  const aside = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  try {
    const fd = openSync(aside, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, options.mode ?? 0o644);
    try {
      writeAll(fd, bytes);
      fchmodSync(fd, options.mode ?? 0o644);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(aside, path);
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
  syncFolder(folder);
}

/** What a killed process left of {@link writeFileAtomic}. */
const UNFINISHED = /\.[0-9a-f]{12}\.tmp$/;

/** Removes what killed processes left in a folder. Nobody else may be writing there. */
export function removeUnfinished(folder: string): void {
  for (const name of namesIfThere(folder)) if (UNFINISHED.test(name)) rmSync(join(folder, name), { force: true });
}

/** Makes renames and new names in `folder` durable. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
