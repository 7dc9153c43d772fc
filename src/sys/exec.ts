/** Every subprocess of Ashlar starts here. No shell is ever involved: arguments are a list. */
import { spawn } from "node:child_process";
import type { StdioOptions } from "node:child_process";
import { Readable } from "node:stream";
import { AshlarError } from "#errors";

export interface ExecOptions {
  readonly cwd?: string;
  /** The whole environment of the child; nothing is inherited unless it is written here. */
  readonly env?: Readonly<Record<string, string>>;
  /** Bytes for the child's standard input, at once or as they come; empty when absent. What the iterable throws ends the child and the call. */
  readonly input?: Buffer | string | AsyncIterable<Buffer>;
  /** `inherit` gives the child this terminal (stdin, stdout, stderr). */
  readonly terminal?: boolean;
  /** Called with each complete line of stdout and stderr, while the output is also kept. */
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
  readonly signal?: AbortSignal;
  /** Milliseconds after which the child is killed and the call fails with E_EXEC_TIMEOUT. */
  readonly timeout?: number;
  /** Return instead of throwing when the child exits with another code than 0. */
  readonly allowFailure?: boolean;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export type ExecErrorCode = "E_EXEC_START" | "E_EXEC_FAILED" | "E_EXEC_TIMEOUT";

const KILL_AFTER_TERM_MS = 3000;
const TAIL_LINES = 20;

/**
 * Runs a program to its end and returns what it printed.
 * @throws E_EXEC_START (not found, not executable), E_EXEC_FAILED (exit code or signal; the message ends with its last lines), E_EXEC_TIMEOUT
 */
export async function exec(program: string, args: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const stdio: StdioOptions = options.terminal ? "inherit" : ["pipe", "pipe", "pipe"];
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...(options.env ?? { PATH: process.env["PATH"] ?? "/usr/bin:/bin" }) },
    stdio,
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let timedOut = false;
  const stop = (): void => {
    child.kill("SIGTERM");
    setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_TERM_MS).unref();
  };
  const timer =
    options.timeout === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          stop();
        }, options.timeout);
  options.signal?.addEventListener("abort", stop, { once: true });
  child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
  if (options.onLine !== undefined) {
    forEachLine(child.stdout, (line) => options.onLine?.(line, "stdout"));
    forEachLine(child.stderr, (line) => options.onLine?.(line, "stderr"));
  }
  // A child that closes its input early (EPIPE) is judged by its exit code, not by our write.
  child.stdin?.on("error", () => {});
  let inputFailure: unknown;
  if (typeof options.input === "string" || Buffer.isBuffer(options.input) || options.input === undefined)
    child.stdin?.end(options.input ?? "");
  else if (child.stdin !== null)
    Readable.from(options.input)
      .once("error", (error) => {
        inputFailure = error;
        stop();
      })
      .pipe(child.stdin);

  try {
    const { exitCode, signal } = await new Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
      child.once("error", (cause) =>
        reject(new AshlarError<ExecErrorCode>("E_EXEC_START", `cannot start ${program}: ${cause.message}`, { cause })),
      );
      child.once("close", (code, childSignal) => resolve({ exitCode: code, signal: childSignal }));
    });
    const result: ExecResult = {
      exitCode: exitCode ?? 128,
      signal,
      stdout: Buffer.concat(stdout),
      stderr: Buffer.concat(stderr).toString(),
    };
    const command = [program, ...args].join(" ");
    if (inputFailure !== undefined) throw inputFailure;
    if (timedOut)
      throw new AshlarError<ExecErrorCode>("E_EXEC_TIMEOUT", `${command} did not end within ${options.timeout} ms`, {
        details: { command },
      });
    if (result.exitCode !== 0 && options.allowFailure !== true) {
      const how = signal === null ? `exit code ${result.exitCode}` : `signal ${signal}`;
      const tail = `${result.stdout.toString()}\n${result.stderr}`.trim().split("\n").slice(-TAIL_LINES).join("\n");
      throw new AshlarError<ExecErrorCode>("E_EXEC_FAILED", `${command} failed with ${how}${tail === "" ? "" : `:\n${tail}`}`, {
        details: { command, exitCode: result.exitCode, stderr: result.stderr },
      });
    }
    return result;
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", stop);
  }
}

function forEachLine(stream: NodeJS.ReadableStream | null, line: (text: string) => void): void {
  let rest = "";
  stream?.on("data", (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) line(part);
  });
  stream?.on("end", () => {
    if (rest !== "") line(rest);
  });
}
