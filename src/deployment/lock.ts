/** One process at a time changes a machine's generations; the kernel gives the lock back when it ends. */
import { closeSync, constants, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { AshlarError, hasErrno } from "#errors";
import { tryLock } from "#sys/flock.ts";
import type { DeploymentErrorCode } from "./errors.ts";
import type { Machine } from "./machine.ts";

/** sysexits.h: the same command can succeed later. */
const EX_TEMPFAIL = 75;

/**
 * Runs `work` while this process alone may change generations.
 * @param command said to others that want the lock
 * @throws E_MACHINE_BUSY naming the process that has it, E_MACHINE_ROOT
 */
export async function locked<T>(machine: Machine, command: string, work: () => Promise<T>): Promise<T> {
  const fd = open(machine, command);
  try {
    if (!tryLock(fd, "exclusive")) {
      const holder = readFileSync(machine.lock, "utf8").trim();
      throw new AshlarError<DeploymentErrorCode>("E_MACHINE_BUSY", `another process changes this machine's generations: ${holder}`, {
        hint: "wait for it to end and run the command again",
        details: { lock: machine.lock, holder },
        exitCode: EX_TEMPFAIL,
      });
    }
    ftruncateSync(fd);
    writeSync(fd, `process ${process.pid}, ashlar ${command}\n`, 0);
    return await work();
  } finally {
    closeSync(fd);
  }
}

function open(machine: Machine, command: string): number {
  try {
    mkdirSync(dirname(machine.lock), { recursive: true });
    return openSync(machine.lock, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o644);
  } catch (error) {
    if (!hasErrno(error, "EACCES")) throw error;
    throw new AshlarError<DeploymentErrorCode>("E_MACHINE_ROOT", `\`ashlar ${command}\` changes the machine, which only root may do`, {
      cause: error,
      hint: `sudo ashlar ${command}`,
    });
  }
}
