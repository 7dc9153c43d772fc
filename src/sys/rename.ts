/** Renames that `rename(2)` cannot express (`man 2 renameat2`). */
import { checked, errnoName, lastErrno, native } from "./libc.ts";

const renameat2 = native("int renameat2(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, unsigned int flags)");
const AT_FDCWD = -100;
const RENAME_NOREPLACE = 1;
const RENAME_EXCHANGE = 2;

/** Renames unless `to` exists. @returns false when it does; nothing has changed then */
export function renameNoReplace(from: string, to: string): boolean {
  const result = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
  if (result < 0 && errnoName(lastErrno()) === "EEXIST") return false;
  checked(result, "renameat2", from);
  return true;
}

/** Swaps two existing paths of one file system in one step: at every moment both names lead to a whole file or folder. */
export function renameExchange(one: string, other: string): void {
  checked(renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE), "renameat2", one);
}
