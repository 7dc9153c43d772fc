/** The machine's own `ashlar`. Commands are loaded when they are used: most of the time to start is reading code. */
import { parseArgs } from "node:util";
import { AshlarError } from "#errors";
import { renderError } from "#report/error.ts";
import { progressModes, rendererFor, wantsColors } from "#report/renderer.ts";
import type { ProgressMode } from "#report/renderer.ts";
import { createReporter } from "#report/reporter.ts";
import { COMMON, usage } from "./command.ts";
import type { AgentCommand, CommandTable, Values } from "./command.ts";
import { openContext } from "./context.ts";
import type { AgentResult } from "./context.ts";
import { explainDiskError } from "./disk-error.ts";
import { apply } from "./table/apply.ts";
import { drift } from "./table/drift.ts";
import { generations } from "./table/generations.ts";
import { layers } from "./table/layers.ts";
import { state } from "./table/state.ts";
import { trial } from "./table/trial.ts";
import { USAGE } from "./usage.ts";

export const COMMANDS: CommandTable = { ...generations, ...layers, ...state, ...trial, ...apply, ...drift };

/** @returns the exit code */
export async function main(
  args: readonly string[],
  output: { readonly stdout: NodeJS.WriteStream; readonly stderr: NodeJS.WriteStream },
): Promise<number> {
  // What follows "--" is a command's own command line.
  const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  const json = own.includes("--json");
  try {
    const [name = "", ...rest] = args;
    if (name === "" || name === "help" || own.includes("--help") || own.includes("-h")) {
      output.stdout.write(`${USAGE}\n`);
      return name === "" ? 2 : 0;
    }
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (command === undefined) throw usage(`there is no command ${JSON.stringify(name)}`);
    const { values, positionals } = parse(rest, command);
    const renderer = rendererFor(output.stderr, progressMode(values["progress"]));
    let result: AgentResult;
    try {
      const root = typeof values["root"] === "string" ? values["root"] : "/";
      const context = openContext(root, createReporter(renderer.emit), output.stdout.columns ?? 80);
      result = await command.run(context, values, positionals);
    } finally {
      renderer.close();
    }
    output.stdout.write(`${json ? JSON.stringify(result.json) : result.text}\n`);
    return result.exitCode ?? 0;
  } catch (caught) {
    const error = explainDiskError(caught);
    output.stderr.write(`${renderError(error, json ? "json" : "text", wantsColors(output.stderr))}\n`);
    return error instanceof AshlarError ? error.exitCode : 1;
  }
}

function parse(args: readonly string[], command: AgentCommand): { values: Values; positionals: string[] } {
  try {
    const parsed = parseArgs({ args: [...args], options: { ...COMMON, ...command.options }, allowPositionals: true });
    const [min, max] = command.operands;
    if (parsed.positionals.length < min || parsed.positionals.length > max)
      throw usage(
        parsed.positionals.length < min
          ? `${command.missing ?? "an argument"} is missing`
          : `${parsed.positionals.at(-1)} is one argument too many`,
      );
    return { values: parsed.values, positionals: parsed.positionals };
  } catch (cause) {
    if (cause instanceof TypeError && "code" in cause && String(cause.code).startsWith("ERR_PARSE_ARGS")) throw usage(cause.message, cause);
    throw cause;
  }
}

function progressMode(value: string | boolean | undefined): ProgressMode {
  if (value === undefined) return "auto";
  const mode = progressModes.find((known) => known === value);
  if (mode === undefined) throw usage(`--progress takes ${progressModes.join(", ")}, not ${String(value)}`);
  return mode;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2), process);
