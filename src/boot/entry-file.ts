/**
 * Writing and removing files of loader/entries so that a power cut never takes an entry that was there.
 *
 * Linux's FAT driver renames in two steps: the new name appears with no content, and gets its first cluster and size when
 * the file itself is written back, seconds later. Syncing the folder in between makes the empty file durable. So an entry
 * is written under its own name, removed by blanking its one sector first, and a renamed one is synced before its folder.
 * A blank file is no entry: the boot loader passes over what names no kernel, and so does `readLoader`.
 */
import { closeSync, fstatSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { hasErrno } from "#errors";
import { syncFolder } from "#sys/atomic.ts";

/** Writes an entry that is not there yet, durably. Until it is whole the boot loader passes over it. */
export function writeEntryFile(path: string, content: Buffer | string): void {
  const fd = openSync(path, "w", 0o644);
  try {
    writeSync(fd, typeof content === "string" ? Buffer.from(content) : content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  syncFolder(dirname(path));
}

/** Removes an entry; the caller syncs the folder. Once the one sector is blank it is gone, whatever becomes of the name. */
export function removeEntryFile(path: string): void {
  let fd: number;
  try {
    fd = openSync(path, "r+");
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return;
    throw error;
  }
  try {
    writeSync(fd, Buffer.alloc(fstatSync(fd).size), 0, undefined, 0);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  rmSync(path);
}

/** Renames an entry without taking a block. A power cut may leave it blank, never with another content. */
export function renameEntryFile(from: string, to: string): void {
  renameSync(from, to);
  const fd = openSync(to, "r");
  try {
    // First the file: that puts cluster and size beside the new name.
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  syncFolder(dirname(to));
}

/** Whether a file of loader/entries is what {@link writeEntryFile} or {@link removeEntryFile} leave in the middle. */
export function isBlank(content: Buffer): boolean {
  return content.every((byte) => byte === 0 || byte === 0x0a || byte === 0x20);
}
