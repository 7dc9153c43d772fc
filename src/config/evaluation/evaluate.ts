/** Evaluates a `system.ts` in a process of its own that can read the project and nothing else. */
import { fileURLToPath, pathToFileURL } from "node:url";
import { AshlarError } from "#errors";
import { exec } from "#sys/exec.ts";
import type { ExecResult } from "#sys/exec.ts";
import type { ConfigErrorCode } from "../errors.ts";
import type { ConfigFile } from "../project.ts";
import { keep, readKept, tryTexts } from "./kept.ts";
import type { Outcome } from "./outcome.ts";

export interface EvaluateOptions {
  /** Milliseconds; 10 000 by default. */
  readonly timeout?: number;
  /** Folder for the JavaScript of TypeScript modules, which makes the next evaluation faster; nothing is kept when absent. */
  readonly scripts?: string;
  /** What the config prints. */
  readonly onLine?: (line: string) => void;
  /** Contents that count instead of those of files, by absolute path, so that a change can be tried before it is written. */
  readonly instead?: ReadonlyMap<string, Buffer>;
}

const CONFIG_CODE = fileURLToPath(new URL("..", import.meta.url));
const START = fileURLToPath(new URL("start.mjs", import.meta.url));
const MEMORY_MIB = 256;
const TIMEOUT_MS = 10_000;

/** @throws E_CONFIG_TIMEOUT, E_CONFIG_MEMORY, E_CONFIG_FAILED when the process ends without an answer */
export async function evaluate(config: ConfigFile, options: EvaluateOptions = {}): Promise<Outcome> {
  const timeout = options.timeout ?? TIMEOUT_MS;
  const kept = options.scripts === undefined ? "" : readKept(options.scripts, config.path);
  const result = await run(config, timeout, options.instead === undefined ? kept : tryTexts(options.instead));
  for (const line of result.stderr.split("\n")) if (line.trim() !== "") options.onLine?.(line);
  const answer = result.stdout.toString();
  if (result.exitCode !== 0 || answer === "") throw unanswered(config, result);
  const outcome = JSON.parse(answer) as Outcome;
  if (options.scripts !== undefined && outcome.scripts.missed && outcome.kind === "value")
    keep(options.scripts, config.path, outcome.scripts.loaded);
  return outcome;
}

async function run(config: ConfigFile, timeout: number, input: string): Promise<ExecResult> {
  const args = [
    "--permission",
    `--allow-fs-read=${config.project}`,
    `--allow-fs-read=${CONFIG_CODE}`,
    "--no-warnings",
    `--max-old-space-size=${MEMORY_MIB}`,
    START,
    pathToFileURL(config.path).href,
  ];
  try {
    return await exec(process.execPath, args, {
      cwd: config.folder,
      // Nothing of this machine: no HOME, no PATH, no NODE_OPTIONS.
      env: { TZ: "UTC", LC_ALL: "C.UTF-8" },
      input,
      timeout,
      allowFailure: true,
    });
  } catch (cause) {
    if (!(cause instanceof AshlarError) || cause.code !== "E_EXEC_TIMEOUT") throw cause;
    throw new AshlarError<ConfigErrorCode>("E_CONFIG_TIMEOUT", `${config.path} was not evaluated within ${timeout / 1000} s`, {
      cause,
      hint: "look for a loop without an end",
    });
  }
}

/** Node's exit code for a module whose `await` nothing will ever end. */
const UNSETTLED_AWAIT = 13;

function unanswered(config: ConfigFile, result: ExecResult): AshlarError<ConfigErrorCode> {
  if (/heap out of memory|heap limit/i.test(result.stderr))
    return new AshlarError("E_CONFIG_MEMORY", `${config.path} needs more than ${MEMORY_MIB} MiB to evaluate`, {
      hint: "look for a list that grows without an end; large content belongs in a file named by `source`",
    });
  if (result.exitCode === UNSETTLED_AWAIT)
    return new AshlarError("E_CONFIG_FAILED", `${config.path} awaits something that never comes`, { hint: "take the `await` away" });
  return new AshlarError("E_CONFIG_FAILED", `evaluating ${config.path} ended with exit code ${result.exitCode}:\n${result.stderr.trim()}`, {
    hint: "run the file with `node` to see more",
  });
}
