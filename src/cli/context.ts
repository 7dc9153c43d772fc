import type { CommandContext, StricliProcess } from "@stricli/core";
import type { OutputStream } from "#report/output.ts";
import type { Reporter } from "#report/reporter.ts";
import type { Workspace } from "#workspace";
import type { RootContext } from "./become-root.ts";
import type { CommandGroup } from "./commands.ts";

/** Everything of the outside that the command line touches; a test passes its own. */
export interface Environment {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Somebody sits at a terminal and can answer questions. */
  readonly interactive: boolean;
  readonly workspace: Workspace;
  /** For commands that need root: runs the command line again as root and returns its exit code; undefined: just go on. */
  readonly becomeRoot: (context: RootContext) => Promise<number | undefined>;
}

/** What stricli hands to a command: the environment, and where the exit code goes. */
export interface CliContext extends CommandContext {
  readonly process: StricliProcess;
  readonly environment: Environment;
  readonly groups: readonly CommandGroup[];
}

/** What a command gets to work with. */
export interface CommandRun {
  readonly workspace: Workspace;
  readonly report: Reporter;
  readonly env: NodeJS.ProcessEnv;
  /** Paths on the command line are relative to it. */
  readonly cwd: string;
  readonly interactive: boolean;
  /** Cells of the screen that text may fill. */
  readonly columns: number;
  /** The command table, for commands about commands. */
  readonly groups: readonly CommandGroup[];
}

/** What a command made: data for scripts, text for people. The command line prints one of them. */
export interface CommandResult {
  /** A record, so that fields can be added later. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Without a newline at its end; empty prints nothing. */
  readonly text: string;
  /** 0 unless said otherwise. Expected outcomes ("they differ") are not errors, but scripts want to branch on them. */
  readonly exitCode?: number;
}
