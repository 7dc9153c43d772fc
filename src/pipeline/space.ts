/** A disk that fills up while building: an error that says which folder's, and what to do. */
import { existsSync, statfsSync } from "node:fs";
import { AshlarError, hasErrno, messageOf } from "#errors";
import type { Workspace } from "#workspace";

export type SpaceErrorCode = "E_BUILD_SPACE";

/** Returns what to throw in place of `error`: E_BUILD_SPACE when the disk was full, otherwise the error itself. */
export function nameFullDisk(error: unknown, workspace: Workspace): unknown {
  if (!isNoSpace(error)) return error;
  const folder = fullest(workspace);
  return new AshlarError<SpaceErrorCode>("E_BUILD_SPACE", `no space left in ${folder} while building; nothing was changed`, {
    cause: error,
    hint: "free some space, run `ashlar collect`, or set ASHLAR_CACHE to a folder on a larger disk",
    details: { folder },
  });
}

/** Also when a maintainer script was the one that met the end of the disk. */
function isNoSpace(error: unknown): boolean {
  return hasErrno(error, "ENOSPC") || /No space left on device/.test(messageOf(error));
}

/** The system does not say on which disk there was no space, so the one with the least is named. */
function fullest({ work, store, packages, toolchain }: Workspace): string {
  const folders = [work, store, packages, toolchain].filter((folder) => existsSync(folder));
  const free = folders.map((folder) => {
    const { bavail, bsize, ffree, files } = statfsSync(folder);
    return { folder, bytes: files > 0 && ffree === 0 ? 0 : bavail * bsize };
  });
  return free.reduce((least, each) => (each.bytes < least.bytes ? each : least), { folder: work, bytes: Infinity }).folder;
}
