/**
 * Makes the N-th system call of a kind fail, or kills the process before it. https://strace.io, `man 1 strace`, "Tampering".
 * Only the traced calls stop the process (`--seccomp-bpf`), so that a run takes hardly longer than without.
 */
import { readFileSync } from "node:fs";
import { exec } from "#sys/exec.ts";
import type { ExecResult } from "#sys/exec.ts";
import { hostCommand } from "#toolchain/sandbox.ts";
import type { Toolchain } from "#toolchain/open.ts";

/** What happens instead of the call: an error, or the end of the process. */
export type Fault = "EIO" | "ENOSPC" | "EROFS" | "SIGKILL";

export interface Call {
  readonly syscall: string;
  /** The first is 1; counted for each thread. */
  readonly number: number;
}

export interface Tracer {
  /** The calls of `syscalls` on files below `folder`, each once, in the order in which they were made first. */
  callsOf(command: Command, syscalls: readonly string[], folder: string): Promise<{ calls: Call[]; result: ExecResult }>;
  /** Runs the command with a fault. `hit` says whether it came, on a file below `folder`. */
  inject(
    command: Command,
    fault: { readonly call: Call; readonly fault: Fault },
    folder: string,
  ): Promise<ExecResult & { readonly hit: boolean }>;
}

export type Command = readonly string[];

const TIMEOUT_MS = 180_000;

/** @param toolchain the set "faults" @param output path of a file for what strace says */
export function openTracer(toolchain: Toolchain, output: string): Tracer {
  const [loader = "", ...strace] = hostCommand(toolchain, "usr/bin/strace");
  const run = (args: readonly string[], command: Command): Promise<ExecResult> =>
    exec(loader, [...strace, "-f", "--seccomp-bpf", "-qq", "-y", "-s", "0", "-o", output, ...args, "--", ...command], {
      // One thread of each pool: calls keep their numbers from run to run.
      env: { PATH: "/usr/bin:/bin", UV_THREADPOOL_SIZE: "1" },
      allowFailure: true,
      timeout: TIMEOUT_MS,
    });
  return {
    callsOf: async (command, syscalls, folder) => {
      const result = await run(["-e", `trace=${syscalls.join(",")}`], command);
      return { calls: callsIn(readFileSync(output, "latin1"), folder), result };
    },
    inject: async (command, { call, fault }, folder) => {
      const what = fault === "SIGKILL" ? "signal=SIGKILL" : `error=${fault}`;
      const result = await run(["-e", `inject=${call.syscall}:${what}:when=${call.number}`], command);
      const lines = readFileSync(output, "latin1").split("\n");
      const hit =
        fault === "SIGKILL"
          ? lines.some((line) => line.includes("killed by SIGKILL"))
          : lines.some((line) => line.includes("(INJECTED)") && line.includes(folder));
      return { ...result, hit };
    },
  };
}

function callsIn(trace: string, folder: string): Call[] {
  const counts = new Map<string, number>();
  const found = new Map<string, Call>();
  for (const line of trace.split("\n")) {
    const [, thread, syscall] = /^(\d+) +(\w+)\(/.exec(line) ?? [];
    if (thread === undefined || syscall === undefined) continue;
    const number = (counts.get(`${thread} ${syscall}`) ?? 0) + 1;
    counts.set(`${thread} ${syscall}`, number);
    if (line.includes(folder)) found.set(`${syscall} ${number}`, { syscall, number });
  }
  return [...found.values()];
}
