/** A command that must end with exit code 0. */
import { AshlarError } from "#errors";
import { exec } from "#sys/exec.ts";
import { tailOf } from "./result.ts";
import type { Failure } from "./result.ts";

/** @param timeout milliseconds after which it is ended and has failed */
export async function tryCommand([program = "", ...args]: readonly string[], timeout: number): Promise<Failure | undefined> {
  try {
    const { exitCode, signal, stdout, stderr } = await exec(program, args, { timeout, allowFailure: true });
    if (exitCode === 0) return undefined;
    return {
      reason: signal === null ? `${program} ended with exit code ${exitCode}` : `${program} was ended by ${signal}`,
      output: tailOf(`${stdout.toString()}\n${stderr}`.trim()),
    };
  } catch (error) {
    // Not found, or not done in time: both are what the probe is for.
    if (error instanceof AshlarError && error.code.startsWith("E_EXEC_")) return { reason: error.message };
    throw error;
  }
}
