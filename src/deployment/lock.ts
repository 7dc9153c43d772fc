/** One process at a time changes a machine's generations; the kernel gives the lock back when it ends. */
import { closeSync, constants, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AshlarError, hasErrno } from "#errors";
import type { Reporter } from "#report/reporter.ts";
import { tryLock } from "#sys/flock.ts";
import type { DeploymentErrorCode } from "./errors.ts";
import type { Machine } from "./machine.ts";

/** sysexits.h: the same command can succeed later. */
const EX_TEMPFAIL = 75;

/**
 * What a machine does by itself after a start, and what a person does against the clock. All of these end soon, and nobody
 * knows when they run: other commands wait for them.
 */
const BRIEF = ["health", "recovery", "apply --settle", "confirm"];
const BRIEF_MS = 120_000;
const LOOK_MS = 200;

export interface Place {
  readonly machine: Machine;
  readonly report: Reporter;
}

export interface Claim {
  /** Said to others that want the lock. */
  readonly command: string;
  /** How long to wait for whoever has the lock; for what ends soon it waits always. */
  readonly waitMs: number;
}

/**
 * Runs `work` while this process alone may change generations.
 * @param claim a command that waits for nothing but what ends soon, or how long it waits
 * @throws E_MACHINE_BUSY naming the process that has it, E_MACHINE_ROOT
 */
export async function locked<T>({ machine, report }: Place, claim: string | Claim, work: () => Promise<T>): Promise<T> {
  const { command, waitMs } = typeof claim === "string" ? { command: claim, waitMs: 0 } : claim;
  const fd = open(machine, command);
  try {
    if (!tryLock(fd, "exclusive")) await waitFor(fd, machine, report, waitMs);
    ftruncateSync(fd);
    writeSync(fd, `process ${process.pid}, ashlar ${command}\n`, 0);
    return await work();
  } finally {
    closeSync(fd);
  }
}

async function waitFor(fd: number, machine: Machine, report: Reporter, waitMs: number): Promise<void> {
  const began = performance.now();
  for (;;) {
    const holder = holderOf(machine);
    const isBrief = BRIEF.some((command) => holder.endsWith(`, ashlar ${command}`));
    const end = began + (isBrief ? Math.max(BRIEF_MS, waitMs) : waitMs);
    if (performance.now() >= end) throw busy(machine, holder);
    if (await report.step(`wait for ${holder}`, () => freed(fd, machine, holder, end))) return;
  }
}

const holderOf = (machine: Machine): string => readFileSync(machine.lock, "utf8").trim();

/** @returns true with the lock; false when another one has it or the time is over */
async function freed(fd: number, machine: Machine, holder: string, end: number): Promise<boolean> {
  for (; performance.now() < end && holderOf(machine) === holder; await sleep(LOOK_MS)) if (tryLock(fd, "exclusive")) return true;
  return false;
}

function busy(machine: Machine, holder: string): AshlarError<DeploymentErrorCode> {
  return new AshlarError("E_MACHINE_BUSY", `another process changes this machine's generations: ${holder}`, {
    hint: "wait for it to end and run the command again",
    details: { lock: machine.lock, holder },
    exitCode: EX_TEMPFAIL,
  });
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
