/** What a command of the machine's program is to its parser. */
import type { ParseArgsOptionsConfig } from "node:util";
import { AshlarError } from "#errors";
import type { AgentContext, AgentResult } from "./context.ts";

export interface Values {
  readonly [name: string]: string | boolean | undefined;
}

export interface AgentCommand {
  readonly options: ParseArgsOptionsConfig;
  /** Fewest and most arguments. */
  readonly operands: readonly [min: number, max: number];
  /** What the first missing argument would be: "the number of a generation". */
  readonly missing?: string;
  run(context: AgentContext, values: Values, operands: readonly string[]): Promise<AgentResult>;
}

export type CommandTable = Readonly<Record<string, AgentCommand>>;

export const FLAG = { type: "boolean" } as const;
export const TEXT = { type: "string" } as const;

/** Every command takes these. */
export const COMMON = { json: FLAG, help: { ...FLAG, short: "h" }, progress: TEXT, root: TEXT } satisfies ParseArgsOptionsConfig;

/** @throws E_USAGE */
export function wholeNumber(text: string | undefined, what: string): number {
  if (text === undefined || !/^\d{1,6}$/.test(text)) throw usage(`${what} is a whole number, not ${JSON.stringify(text ?? "")}`);
  return Number(text);
}

export function usage(message: string, cause?: unknown): AshlarError<"E_USAGE"> {
  return new AshlarError("E_USAGE", message, { cause, hint: "ashlar help", exitCode: 2 });
}
