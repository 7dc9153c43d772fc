/** Pinned generations are kept until they are unpinned. */
import { AshlarError, hasErrno } from "#errors";
import type { Deployment } from "./deployment.ts";
import type { DeploymentErrorCode } from "./errors.ts";
import type { Machine } from "./machine.ts";
import { readRecords, writeRecord } from "./records.ts";

/**
 * Pins or unpins a generation. Hold the machine's lock.
 * @returns false when it was so already
 * @throws E_GENERATION_UNKNOWN, E_PIN_SPACE
 */
export function setPinned(machine: Machine, number: number, pinned: boolean): boolean {
  const deployment = readRecords(machine.deployments).deployments.find((candidate) => candidate.number === number);
  if (deployment === undefined)
    throw new AshlarError<DeploymentErrorCode>("E_GENERATION_UNKNOWN", `generation ${number} does not exist on this machine`, {
      hint: "`ashlar generations` lists those there are",
      details: { generation: number },
    });
  if (deployment.pinned === pinned) return false;
  writePinned(machine, { ...deployment, pinned });
  return true;
}

function writePinned(machine: Machine, deployment: Deployment): void {
  try {
    writeRecord(machine.deployments, deployment);
  } catch (cause) {
    if (!hasErrno(cause, "ENOSPC")) throw cause;
    throw new AshlarError<DeploymentErrorCode>(
      "E_PIN_SPACE",
      `${machine.deployments}: no space left for the record of generation ${deployment.number}`,
      {
        cause,
        hint: "free a few blocks (`ashlar collect`, or files of your own in /var); nothing was changed",
        details: { path: machine.deployments, generation: deployment.number },
      },
    );
  }
}
