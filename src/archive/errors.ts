/** Codes of everything that can go wrong between a mirror and a verified package. */
import { AshlarError } from "#errors";
import type { AshlarErrorOptions } from "#errors";

export type ArchiveErrorCode =
  | "E_MIRROR_UNKNOWN"
  | "E_ARCHIVE_UNREACHABLE"
  | "E_ARCHIVE_SIGNATURE"
  | "E_ARCHIVE_EXPIRED"
  | "E_ARCHIVE_MISMATCH"
  | "E_ARCHIVE_HASH"
  | "E_ARCHIVE_TRUNCATED"
  | "E_ARCHIVE_ROLLBACK"
  | "E_ARCHIVE_OFFLINE"
  | "E_PACKAGE_GONE"
  | "E_PACKAGE_HASH";

export function archiveError(code: ArchiveErrorCode, message: string, options: AshlarErrorOptions = {}): AshlarError<ArchiveErrorCode> {
  return new AshlarError(code, message, options);
}

/** The network is needed but must not be used; `path` is what is missing. */
export function offline(path: string): AshlarError<ArchiveErrorCode> {
  return archiveError("E_ARCHIVE_OFFLINE", `${path} is not in the cache, and the network must not be used`, {
    hint: "run the command again with network",
  });
}
