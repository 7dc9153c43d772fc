/** What the kernel says of a disk, in words that tell what to do. */
import { AshlarError, hasErrno, messageOf } from "#errors";

export type DiskErrorCode = "E_DISK_READ_ONLY" | "E_DISK_FULL" | "E_DISK_FAILS";

const EXPLAINED: readonly (readonly [errno: string, code: DiskErrorCode, hint: string])[] = [
  [
    "EROFS",
    "E_DISK_READ_ONLY",
    "the kernel makes a file system read-only when it finds an error: `dmesg`, then restart the machine, which checks it; what runs goes on",
  ],
  ["ENOSPC", "E_DISK_FULL", "`ashlar collect` frees what no generation needs, `df` shows the rest; what runs goes on"],
  ["EIO", "E_DISK_FAILS", "the disk failed, `dmesg` tells where; run the command again, and replace a disk that goes on failing"],
];

/** The error itself when it is none of the disk's. */
export function explainDiskError(error: unknown): unknown {
  const found = EXPLAINED.find(([errno]) => hasErrno(error, errno));
  if (found === undefined) return error;
  const [, code, hint] = found;
  return new AshlarError<DiskErrorCode>(code, messageOf(error), { cause: error, hint });
}
