/** Codes of everything that can go wrong between a System and its Lock. */
import { AshlarError } from "#errors";
import type { AshlarErrorOptions } from "#errors";

export type LockErrorCode =
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
  | "E_PACKAGE_HASH"
  | "E_LOCK_UNKNOWN_PACKAGE"
  | "E_LOCK_UNSATISFIABLE"
  | "E_LOCK_SYNTAX"
  | "E_LOCK_VERSION";

export function lockError(code: LockErrorCode, message: string, options: AshlarErrorOptions = {}): AshlarError<LockErrorCode> {
  return new AshlarError(code, message, options);
}

/** The network is needed but must not be used; `path` is what is missing. */
export function offline(path: string): AshlarError<LockErrorCode> {
  return lockError("E_ARCHIVE_OFFLINE", `${path} is not in the cache, and the network must not be used`, {
    hint: "run the command again with network",
  });
}
