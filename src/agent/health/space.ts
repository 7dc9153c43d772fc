/** Free space of a file system, as far as programs may use it. */
import { statfsSync } from "node:fs";
import { hasErrno, messageOf } from "#errors";
import { formatBytes } from "#report/format.ts";
import type { Failure } from "./result.ts";

/** @param wanted.free bytes or, with `percent`, a part of the size */
export function trySpace(path: string, wanted: { readonly free: number; readonly percent: boolean }): Failure | undefined {
  try {
    const { blocks, bavail, bsize } = statfsSync(path);
    const needed = wanted.percent ? Math.ceil((blocks * bsize * wanted.free) / 100) : wanted.free;
    const free = bavail * bsize;
    if (free >= needed) return undefined;
    return { reason: `${path} has ${formatBytes(free)} free of ${formatBytes(blocks * bsize)}, and ${formatBytes(needed)} must be` };
  } catch (error) {
    if (!(hasErrno(error, "ENOENT") || hasErrno(error, "EACCES"))) throw error;
    return { reason: messageOf(error) };
  }
}
