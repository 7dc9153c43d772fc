/** The machine's own `ashlar`. Commands are loaded when they are used: most of the time to start is reading code. */
import { parseArgs } from "node:util";
import type { ParseArgsOptionsConfig } from "node:util";
import { AshlarError } from "#errors";
import { renderError } from "#report/error.ts";
import { progressModes, rendererFor, wantsColors } from "#report/renderer.ts";
import type { ProgressMode } from "#report/renderer.ts";
import { createReporter } from "#report/reporter.ts";
import { openContext } from "./context.ts";
import type { AgentContext, AgentResult } from "./context.ts";
import { USAGE } from "./usage.ts";

interface Values {
  readonly [name: string]: string | boolean | undefined;
}

interface AgentCommand {
  readonly options: ParseArgsOptionsConfig;
  /** Most and fewest arguments. */
  readonly operands: readonly [min: number, max: number];
  run(context: AgentContext, values: Values, operands: readonly string[]): Promise<AgentResult>;
}

const FLAG = { type: "boolean" } as const;
const TEXT = { type: "string" } as const;

export const COMMANDS: Readonly<Record<string, AgentCommand>> = {
  status: { options: {}, operands: [0, 0], run: async (context) => (await import("./commands/status.ts")).status(context) },
  generations: { options: {}, operands: [0, 0], run: async (context) => (await import("./commands/status.ts")).generations(context) },
  upgrade: {
    options: { from: TEXT, retry: FLAG, reboot: FLAG },
    operands: [0, 0],
    run: async (context, { from, retry, reboot }) =>
      (await import("./commands/upgrade.ts")).upgrade(context, {
        ...(typeof from === "string" ? { from } : {}),
        retry: retry === true,
        reboot: reboot === true,
      }),
  },
  rollback: {
    options: { reboot: FLAG },
    operands: [0, 1],
    run: async (context, { reboot }, [number]) =>
      (await import("./commands/generation.ts")).rollback(context, {
        ...(number === undefined ? {} : { generation: wholeNumber(number, "a generation") }),
        reboot: reboot === true,
      }),
  },
  pin: {
    options: {},
    operands: [1, 1],
    run: async (context, _values, [number]) =>
      (await import("./commands/generation.ts")).pin(context, wholeNumber(number, "a generation"), true),
  },
  unpin: {
    options: {},
    operands: [1, 1],
    run: async (context, _values, [number]) =>
      (await import("./commands/generation.ts")).pin(context, wholeNumber(number, "a generation"), false),
  },
  collect: {
    options: { "dry-run": FLAG, keep: TEXT },
    operands: [0, 0],
    run: async (context, { keep, "dry-run": dryRun }) =>
      (await import("./commands/generation.ts")).collect(context, {
        ...(typeof keep === "string" ? { keep: wholeNumber(keep, "--keep") } : {}),
        dryRun: dryRun === true,
      }),
  },
  drift: { options: {}, operands: [0, 0], run: async (context) => (await import("./commands/drift.ts")).drift(context) },
  health: { options: {}, operands: [0, 0], run: async (context) => (await import("./commands/health.ts")).health(context) },
  fsck: {
    options: { repair: FLAG },
    operands: [0, 0],
    run: async (context, { repair }) => (await import("./commands/fsck.ts")).fsck(context, { repair: repair === true }),
  },
};

const COMMON = { json: FLAG, help: { ...FLAG, short: "h" }, progress: TEXT, root: TEXT } satisfies ParseArgsOptionsConfig;

/** @returns the exit code */
export async function main(
  args: readonly string[],
  output: { readonly stdout: NodeJS.WriteStream; readonly stderr: NodeJS.WriteStream },
): Promise<number> {
  const json = args.includes("--json");
  try {
    const [name = "", ...rest] = args;
    if (name === "" || name === "help" || args.includes("--help") || args.includes("-h")) {
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
  } catch (error) {
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
        parsed.positionals.length < min ? "the number of a generation is missing" : `${parsed.positionals.at(-1)} is one argument too many`,
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

function wholeNumber(text: string | undefined, what: string): number {
  if (text === undefined || !/^\d{1,6}$/.test(text)) throw usage(`${what} is a whole number, not ${JSON.stringify(text ?? "")}`);
  return Number(text);
}

function usage(message: string, cause?: unknown): AshlarError<"E_USAGE"> {
  return new AshlarError("E_USAGE", message, { cause, hint: "ashlar help", exitCode: 2 });
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2), process);
