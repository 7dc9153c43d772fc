/**
 * Errors are part of the product: each has a stable code, says what failed with the path or value,
 * keeps its cause, and names the next command to type.
 */

export interface AshlarErrorOptions {
  /** The next command to type, or what to change. One sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Machine-readable facts for `--json` (paths, digests, sizes). Never secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Process exit code of the command line; 1 unless said otherwise. */
  readonly exitCode?: number;
}

/** A failure that a person can act on. Codes are `E_AREA_WHAT`; each folder exports the union of its own. */
export class AshlarError<Code extends string = string> extends Error {
  override readonly name = "AshlarError";
  readonly code: Code;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  readonly exitCode: number;

  constructor(code: Code, message: string, options: AshlarErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
    this.exitCode = options.exitCode ?? 1;
  }
}

/** True when `error` is a system error (`ENOENT`, `ENOSPC`, …) with the given code. */
export function hasErrno(error: unknown, errno: string): boolean {
  return error instanceof Error && "code" in error && error.code === errno;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
