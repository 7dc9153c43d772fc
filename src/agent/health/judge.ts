/** What the probes of a start mean for the generation that runs, and for the journal of trials. */
import { locked } from "#deployment/lock.ts";
import { bless, condemn } from "#deployment/trial-judge.ts";
import type { Finding, Judgement } from "#deployment/trial-judge.ts";
import { settle } from "#deployment/trial-settle.ts";
import { AshlarError, hasErrno } from "#errors";
import type { AgentContext } from "../context.ts";
import { explainLost } from "./explain.ts";

/** Another process changes generations: a start must not wait for it for ever. */
const WAIT_MS = 60_000;

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
    return await locked(context, "health", async () => {
      const learned = await settleTrials(context);
      // systemd-bless-boot marks what the boot loader counted. After a soft-reboot it knows nothing of this generation.
      bless(context, { uncount: context.machine.booted?.generation === undefined });
      return learned;
    });
  } catch (error) {
    // Whoever holds the lock will settle; a start that works is not worse for it.
    if ((error instanceof AshlarError && error.code === "E_MACHINE_BUSY") || hasErrno(error, "ENOSPC") || hasErrno(error, "EROFS"))
      return [];
    throw error;
  }
}

/** The start does not work. @returns what becomes of the generation; undefined when the disk would not take it */
export async function judgeBad(context: AgentContext, finding: Finding): Promise<Judgement | undefined> {
  const judge = async (): Promise<Judgement> => {
    await settleTrials(context);
    return condemn(context, finding);
  };
  try {
    return await locked(context, { command: "health", waitMs: WAIT_MS }, judge);
  } catch (error) {
    if (hasErrno(error, "ENOSPC") || hasErrno(error, "EROFS")) return undefined;
    throw error;
  }
}
