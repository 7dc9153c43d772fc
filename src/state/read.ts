/** Reads the small files below /state/ashlar; what cannot be read is said, never replaced by nothing. */
import { readFileSync } from "node:fs";
import { AshlarError, hasErrno, messageOf } from "#errors";
import { ShapeError } from "#formats/shape.ts";
import type { Shape } from "#formats/shape.ts";
import type { StateErrorCode } from "./errors.ts";

/** @throws E_STATE_UNREADABLE, E_STATE_ROOT */
export function readStateJson<T>(path: string, shape: Shape<T>, absent: T): T {
  const text = readStateText(path);
  if (text === undefined) return absent;
  try {
    return shape(JSON.parse(text), "");
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof ShapeError)) throw cause;
    throw new AshlarError<StateErrorCode>("E_STATE_UNREADABLE", `${path} cannot be read: ${messageOf(cause)}`, {
      cause,
      hint: `repair it, or move it away (${path}.bad): it is made anew`,
      details: { path },
    });
  }
}

/** Undefined when there is no such file. @throws E_STATE_ROOT */
export function readStateText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if (hasErrno(cause, "ENOENT")) return undefined;
    if (!hasErrno(cause, "EACCES")) throw cause;
    throw new AshlarError<StateErrorCode>("E_STATE_ROOT", `${path} can be read only by root`, { cause, hint: "sudo ashlar state" });
  }
}
