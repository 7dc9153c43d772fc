/** Programs of the tools tree, started without a sandbox: a thousand short runs on files that only exist here. */
import { exec } from "#sys/exec.ts";
import type { ExecResult } from "#sys/exec.ts";
import { hostCommand } from "#toolchain/sandbox.ts";
import type { Toolchain } from "#toolchain/open.ts";

/** Runs `program` ("usr/sbin/e2fsck"); its exit code is for the caller to judge. */
export function runTool(toolchain: Toolchain, program: string, ...args: readonly string[]): Promise<ExecResult> {
  const [loader = "", ...command] = hostCommand(toolchain, program);
  return exec(loader, [...command, ...args], { env: { LC_ALL: "C" }, allowFailure: true });
}
