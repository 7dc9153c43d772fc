/** Copies of folders with all that belongs to their files; instant and free where the file system shares blocks. */
import { mkdirSync, renameSync, rmSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { AshlarError } from "#errors";
import { fromText } from "#formats/bytes.ts";
import { formatBytes } from "#report/format.ts";
import { exec } from "#sys/exec.ts";
import type { StateErrorCode } from "./errors.ts";
import { measure } from "./measure.ts";

/** Left free besides a copy, in bytes: a machine without any free block cannot even say so. */
const RESERVE = 32 * 1024 * 1024;

/**
 * Copies `from` to `to`: aside, then renamed. Not durable before a sync of the file system.
 * @throws E_EXEC_FAILED of cp
 */
export async function copyTree(from: string, to: string): Promise<void> {
  const aside = `${to}.ashlar-new`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(dirname(to), { recursive: true });
  await exec("cp", ["--archive", "--reflink=auto", "--no-target-directory", "--", from, aside]);
  renameSync(aside, to);
}

/**
 * @param paths what is to be copied
 * @param where a folder on the file system that gets the copies
 * @returns bytes of all of them
 * @throws E_STATE_SPACE with the bytes that are needed and free
 */
export function requireRoom(paths: readonly string[], where: string, what: string): number {
  const bytes = paths.reduce((sum, path) => sum + (measure(fromText(path))?.bytes ?? 0), 0);
  const { bavail, bsize } = statfsSync(where);
  const needed = bytes + RESERVE;
  const free = bavail * bsize;
  if (needed <= free) return bytes;
  throw new AshlarError<StateErrorCode>(
    "E_STATE_SPACE",
    `${what} needs ${formatBytes(needed)} (${needed} bytes), ${formatBytes(free)} are free (${free} bytes); nothing was changed`,
    { hint: "`ashlar collect` and `ashlar state` show what could go", details: { needed, free } },
  );
}
