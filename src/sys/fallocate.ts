/** Takes blocks of a file system before they are written (`man 2 fallocate`). */
import { checked, errnoName, lastErrno, native } from "./libc.ts";

const fallocate = native("int fallocate(int fd, int mode, int64_t offset, int64_t len)");
const FALLOC_FL_KEEP_SIZE = 1;

/**
 * Gives an open, empty file `bytes` of the disk.
 * @param keepSize leave its size 0: what FAT needs to take clusters without writing zeros into all of them
 * @returns false where the file system cannot do it
 * @throws ENOSPC; some blocks may be taken then, until the file goes
 */
export function allocate(fd: number, bytes: number, keepSize: boolean): boolean {
  const result = fallocate(fd, keepSize ? FALLOC_FL_KEEP_SIZE : 0, 0, bytes);
  if (result < 0 && ["EOPNOTSUPP", "ENOSYS"].includes(errnoName(lastErrno()))) return false;
  checked(result, "fallocate");
  return true;
}
