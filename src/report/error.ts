import { styleText } from "node:util";
import { AshlarError, messageOf } from "#errors";

export type ErrorMode = "text" | "json";

/** A record, so that fields can be added: `{ "error": { … } }`. */
export interface ErrorRecord {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly hint?: string;
    readonly details?: Readonly<Record<string, unknown>>;
    readonly causes: readonly string[];
  };
}

const MAX_CAUSES = 8;

/**
 * What a person (or, with mode `json`, a script) reads when a command fails. Ends without a newline.
 *
 *     error: archive "trixie": the signature of InRelease is wrong
 *       cause: no key of the keyring made it
 *       code:  E_ARCHIVE_SIGNATURE
 *       hint:  update the keyring: ashlar lock --upgrade
 *
 * @param colors whether the text may carry escape sequences
 */
export function renderError(error: unknown, mode: ErrorMode, colors = false): string {
  if (mode === "json") return JSON.stringify(errorRecord(error));
  const paint = (format: Parameters<typeof styleText>[0], text: string): string =>
    colors ? styleText(format, text, { validateStream: false }) : text;
  const code = codeOf(error);
  const lines = [`${paint(["red", "bold"], "error:")} ${indentRest(messageOf(error))}`];
  for (const cause of causesOf(error)) lines.push(`  ${paint("dim", "cause:")} ${indentRest(cause)}`);
  if (code !== undefined) lines.push(`  ${paint("dim", "code:")}  ${code}`);
  if (error instanceof AshlarError && error.hint !== undefined) lines.push(`  ${paint("cyan", "hint:")}  ${indentRest(error.hint)}`);
  if (isDefect(error)) lines.push(...stackOf(error), "  This is a defect in Ashlar: please report it with the lines above.");
  return lines.join("\n");
}

/** The JSON form, as `ashlar … --json` prints it on standard error. */
export function errorRecord(error: unknown): ErrorRecord {
  const hint = error instanceof AshlarError ? error.hint : undefined;
  const details = error instanceof AshlarError ? error.details : {};
  return {
    error: {
      code: codeOf(error) ?? "E_UNEXPECTED",
      message: messageOf(error),
      ...(hint === undefined ? {} : { hint }),
      ...(Object.keys(details).length === 0 ? {} : { details }),
      causes: causesOf(error),
    },
  };
}

/** Messages of the cause chain, nearest first, without those that the message above already quotes. */
function causesOf(error: unknown): string[] {
  const causes: string[] = [];
  let above = messageOf(error);
  let current: unknown = error instanceof Error ? error.cause : undefined;
  for (let depth = 0; current !== undefined && depth < MAX_CAUSES; depth++) {
    const message = messageOf(current);
    if (!above.includes(message)) causes.push(message);
    above = message;
    current = current instanceof Error ? current.cause : undefined;
  }
  return causes;
}

function codeOf(error: unknown): string | undefined {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return undefined;
}

/** Neither ours nor the system's (`ENOSPC`): a mistake in the program, for which the stack is the useful part. */
function isDefect(error: unknown): boolean {
  return !(error instanceof AshlarError) && !(error instanceof Error && "errno" in error);
}

function stackOf(error: unknown): string[] {
  if (!(error instanceof Error) || error.stack === undefined) return [];
  return error.stack.split("\n").filter((line) => line.startsWith("    at "));
}

function indentRest(text: string): string {
  return text.replaceAll("\n", "\n    ");
}
