/** The errors of the store. */
import { AshlarError } from "#errors";

export type StoreErrorCode =
  /** An object is not in the store. */
  | "E_STORE_MISSING"
  /** An object's content does not fit its name. */
  | "E_STORE_CORRUPT"
  /** A file changed, or vanished, while it was being stored. */
  | "E_STORE_CHANGED"
  /** `meta.json` is missing, unreadable, or no description of a store. */
  | "E_STORE_META"
  /** The store needs a newer Ashlar. */
  | "E_STORE_INCOMPATIBLE"
  /** The store may not be written to: not owned, or made by a newer Ashlar. */
  | "E_STORE_READ_ONLY"
  /** Another process uses the store. */
  | "E_STORE_BUSY"
  /** A worker thread ended by itself. */
  | "E_STORE_WORKER"
  /** A kind or name of a reference that cannot be a file name, or content that is no JSON. */
  | "E_STORE_BAD_REF"
  /** Collection without roots would remove everything. */
  | "E_STORE_NO_ROOTS"
  /** A root of collection, or what it refers to, cannot be read. */
  | "E_STORE_BAD_ROOT";

/** What goes to another thread in place of an error. */
export interface PlainError {
  readonly code: string | undefined;
  readonly message: string;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Flattens an error for `postMessage`, which would drop code and hint. */
export function toPlainError(error: unknown): PlainError {
  if (error instanceof AshlarError) return { code: error.code, message: error.message, hint: error.hint, details: error.details };
  if (!(error instanceof Error)) return { code: undefined, message: String(error), hint: undefined, details: {} };
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return { code, message: error.message, hint: undefined, details: {} };
}

/** The error again: an AshlarError when it was one, else an Error with the same `code` (`ENOSPC`). */
export function fromPlainError(plain: PlainError): Error {
  if (plain.code?.startsWith("E_") !== true)
    return Object.assign(new Error(plain.message), plain.code === undefined ? {} : { code: plain.code });
  return new AshlarError(plain.code, plain.message, { details: plain.details, ...(plain.hint === undefined ? {} : { hint: plain.hint }) });
}
