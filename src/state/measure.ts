/** How much a path holds. One file system: what is mounted below belongs to another. */
import { lstatSync, readdirSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { hasErrno } from "#errors";
import { toBuffer } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";

export interface Measured {
  /** Bytes that it takes on the disk; a file with several names counts once. */
  readonly bytes: number;
  readonly files: number;
  /** Seconds since 1970 at which something in it was last written. */
  readonly changed: number;
}

const BLOCK = 512;

/** @returns undefined when there is nothing at `path` */
export function measure(path: ByteString): Measured | undefined {
  const top = look(path);
  if (top === undefined) return undefined;
  const seen = new Set<bigint>();
  let bytes = 0;
  let files = 0;
  let changed = 0;
  const visit = (at: ByteString, stat: BigIntStats): void => {
    if (stat.dev !== top.dev) return;
    changed = Math.max(changed, Number(stat.mtimeMs / 1000n));
    if (!stat.isDirectory()) {
      files++;
      if (stat.nlink > 1n && seen.has(stat.ino)) return;
      if (stat.nlink > 1n) seen.add(stat.ino);
    }
    bytes += Number(stat.blocks) * BLOCK;
    if (stat.isDirectory())
      for (const name of namesIn(at)) {
        const inside = `${at}/${name}`;
        const found = look(inside);
        if (found !== undefined) visit(inside, found);
      }
  };
  visit(path, top);
  return { bytes, files, changed };
}

/** Names in a folder, in byte order; none when it is gone. */
export function namesIn(folder: ByteString): ByteString[] {
  try {
    return readdirSync(toBuffer(folder), { encoding: "latin1" }).sort();
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR")) return [];
    throw error;
  }
}

/** Files come and go while they are looked at. */
export function look(path: ByteString): BigIntStats | undefined {
  try {
    return lstatSync(toBuffer(path), { bigint: true });
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR")) return undefined;
    throw error;
  }
}
