/** Reading what may not be there: its absence is an answer, everything else that goes wrong is an error. */
import { accessSync, readFileSync, readdirSync } from "node:fs";
import { hasErrno } from "#errors";

/** The text of a file (UTF-8); undefined when there is none. */
export function textIfThere(path: string): string | undefined {
  return ifThere(() => readFileSync(path, "utf8"));
}

/** The names in a folder, sorted; none when there is no folder. */
export function namesIfThere(folder: string): string[] {
  return ifThere(() => readdirSync(folder).sort()) ?? [];
}

/** Whether this process may use a path so; false on a read-only file system for writing. @param mode of access(2): `constants.R_OK`… */
export function mayAccess(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch (error) {
    if (hasErrno(error, "EACCES") || hasErrno(error, "EROFS")) return false;
    throw error;
  }
}

function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}
