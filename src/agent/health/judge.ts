/** What the probes of a start mean for the generation that runs, and for the journal of trials. */
import { locked } from "#deployment/lock.ts";
import { bless, condemn } from "#deployment/trial-judge.ts";
import type { Finding, Judgement } from "#deployment/trial-judge.ts";
import { settle } from "#deployment/trial-settle.ts";
import { AshlarError, hasErrno } from "#errors";
import { setTimeout as sleep } from "node:timers/promises";
import type { AgentContext } from "../context.ts";
import { explainLost } from "./explain.ts";

/** Another process changes generations: a start must not wait for it for ever. */
const LOCK_ATTEMPTS = 60;
const LOCK_PAUSE_MS = 1000;

/** Brings the journal up to date. Hold the machine's lock. On a full disk it stays as it is. @returns newly denied generations */
export async function settleTrials(context: AgentContext): Promise<number[]> {
  try {
    return await settle(context, (generation) => explainLost(context, generation));
  } catch (error) {
    if (hasErrno(error, "ENOSPC") || hasErrno(error, "EROFS")) return [];
    throw error;
  }
}

/** The start works. @returns generations that are on the deny list since now */
export async function judgeGood(context: AgentContext): Promise<number[]> {
  try {
    return await locked(context.machine, "health", async () => {
      const learned = await settleTrials(context);
      // systemd-bless-boot marks what the boot loader counted. After a soft-reboot it knows nothing of this generation.
      bless(context, { uncount: context.machine.booted?.generation === undefined });
      return learned;
    });
  } catch (error) {
    // Whoever holds the lock will settle; a start that works is not worse for it.
    if (isBusy(error) || hasErrno(error, "ENOSPC") || hasErrno(error, "EROFS")) return [];
    throw error;
  }
}

/** The start does not work. @returns what becomes of the generation; undefined when the disk would not take it */
export async function judgeBad(context: AgentContext, finding: Finding): Promise<Judgement | undefined> {
  for (let attempt = 1; ; attempt++)
    try {
      return await locked(context.machine, "health", async () => {
        await settleTrials(context);
        return condemn(context, finding);
      });
    } catch (error) {
      if (hasErrno(error, "ENOSPC") || hasErrno(error, "EROFS")) return undefined;
      if (!isBusy(error) || attempt === LOCK_ATTEMPTS) throw error;
      await sleep(LOCK_PAUSE_MS);
    }
}

function isBusy(error: unknown): boolean {
  return error instanceof AshlarError && error.code === "E_MACHINE_BUSY";
}
