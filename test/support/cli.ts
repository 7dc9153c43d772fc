import { runCommandLine } from "../../src/cli/application.ts";
import { openWorkspace } from "#workspace";
import { commandGroups } from "../../src/cli/commands.ts";
import type { CommandGroup } from "../../src/cli/commands.ts";

export interface CliRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly cache?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Another command table, to test how commands are run. */
  readonly groups?: readonly CommandGroup[];
}

/** Runs a command line in this process, with its own streams and environment. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const written = { stdout: "", stderr: "" };
  const environment = {
    stdout: { write: (text: string) => (written.stdout += text) },
    stderr: { write: (text: string) => (written.stderr += text) },
    env: options.env ?? {},
    cwd: options.cwd ?? "/",
    interactive: false,
    workspace: openWorkspace(options.cache ?? "/dev/null/no-ashlar-cache"),
    becomeRoot: async () => undefined,
  };
  const exitCode = await runCommandLine(args, environment, options.groups ?? commandGroups);
  return { exitCode, ...written };
}
