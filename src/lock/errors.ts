/** Codes of everything that can go wrong between a System and its Lock. */
import { AshlarError } from "#errors";
import type { AshlarErrorOptions } from "#errors";

export type LockErrorCode = "E_LOCK_UNKNOWN_PACKAGE" | "E_LOCK_UNSATISFIABLE" | "E_LOCK_SYNTAX" | "E_LOCK_VERSION";

export function lockError(code: LockErrorCode, message: string, options: AshlarErrorOptions = {}): AshlarError<LockErrorCode> {
  return new AshlarError(code, message, options);
}
