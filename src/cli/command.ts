import { buildCommand } from "@stricli/core";
import type { BaseArgs, BaseFlags, Command, TypedCommandParameters } from "@stricli/core";
import { AshlarError } from "#errors";
import { renderError } from "#report/error.ts";
import type { ProgressMode } from "#report/renderer.ts";
import { progressModes, rendererFor, wantsColors } from "#report/renderer.ts";
import { createReporter } from "#report/reporter.ts";
import type { CliContext, CommandResult, CommandRun } from "./context.ts";
import { usageLine } from "./usage.ts";

/** The flags of a command that has only the common ones. */
// oxlint-disable-next-line typescript/no-generated-empty-object-type -- stricli wants a type without any key
export type NoFlags = NonNullable<unknown>;

export interface CommandExample {
  /** What is typed after `ashlar `. */
  readonly arguments: string;
  /** What it does, in a few words. */
  readonly does: string;
}

export interface CommandSpec<Flags extends BaseFlags, Args extends BaseArgs> {
  /** One line for lists, without a full stop. */
  readonly brief: string;
  /** A few sentences: what it reads, what it writes, what it leaves alone. */
  readonly description: string;
  readonly examples: readonly CommandExample[];
  readonly parameters: TypedCommandParameters<Flags, Args, CliContext>;
  /** Exit codes other than 0, 1 and 2 and when they are used. */
  readonly exitCodes?: Readonly<Record<number, string>>;
  /** Handles files of many users: runs as root, or in a user namespace. */
  readonly needsRoot?: boolean;
  /** Loads the stage that it needs by `import()`, so that other commands start without it. */
  readonly run: (flags: Flags, args: Args, context: CommandRun) => Promise<CommandResult>;
}

export interface CommandEntry {
  readonly brief: string;
  readonly description: string;
  readonly examples: readonly CommandExample[];
  readonly exitCodes: Readonly<Record<number, string>>;
  readonly command: Command<CliContext>;
}

type CommonFlags = { readonly json: boolean; readonly progress: ProgressMode };

const commonFlags = {
  json: { kind: "boolean", brief: "Print the result as JSON", default: false },
  progress: { kind: "enum", values: progressModes, brief: "How progress is shown on standard error", default: "auto" },
} as const;

/** A command of the table: adds `--json` and `--progress`, prints what `run` returns, and turns errors into exit codes. */
export function defineCommand<const Flags extends BaseFlags = NoFlags, const Args extends BaseArgs = []>(
  spec: CommandSpec<Flags, Args>,
): CommandEntry {
  const command = buildCommand<Flags & CommonFlags, Args, CliContext>({
    docs: { brief: spec.brief, fullDescription: spec.description, customUsage: [usageLine(spec.parameters)] },
    // TypeScript cannot add two flags to a generic record of flags; the shapes are the same.
    parameters: { ...spec.parameters, flags: { ...spec.parameters.flags, ...commonFlags } } as unknown as TypedCommandParameters<
      Flags & CommonFlags,
      Args,
      CliContext
    >,
    async func(flags, ...args) {
      this.process.exitCode = await runCommand(spec, flags, args, this);
    },
  });
  const { brief, description, examples, exitCodes = {} } = spec;
  return {
    brief,
    description,
    examples,
    exitCodes,
    command: { ...command, formatHelp: (help) => command.formatHelp(help) + formatExamples(examples) },
  };
}

async function runCommand<Flags extends BaseFlags, Args extends BaseArgs>(
  spec: CommandSpec<Flags, Args>,
  flags: Flags & CommonFlags,
  args: Args,
  { environment, groups }: CliContext,
): Promise<number> {
  const { stdout, stderr, env, cwd, interactive, workspace } = environment;
  const renderer = rendererFor(stderr, flags.progress, env);
  const report = createReporter(renderer.emit);
  try {
    const rerun = spec.needsRoot === true ? await environment.becomeRoot({ workspace, report }) : undefined;
    if (rerun !== undefined) return rerun;
    const result = await spec.run(flags, args, { workspace, report, env, cwd, interactive, columns: stdout.columns ?? 80, groups });
    renderer.close();
    const text = flags.json ? JSON.stringify(result.json, undefined, 2) : result.text;
    if (text !== "") stdout.write(`${text}\n`);
    return result.exitCode ?? 0;
  } catch (error) {
    renderer.close();
    const asJson = flags.json || flags.progress === "json";
    stderr.write(`${renderError(error, asJson ? "json" : "text", wantsColors(stderr, env))}\n`);
    return error instanceof AshlarError ? error.exitCode : 1;
  }
}

function formatExamples(examples: readonly CommandExample[]): string {
  const width = Math.max(...examples.map((example) => example.arguments.length));
  return `\nEXAMPLES\n${examples.map((example) => `  ashlar ${example.arguments.padEnd(width)}  ${example.does}\n`).join("")}`;
}
