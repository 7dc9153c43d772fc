/**
 * Applies a generation to the running system as one transaction: prepare aside, switch, settle, probe. Whatever fails, what
 * ran before runs again. The steps are in a journal, so that another process can put back what a killed one left.
 */
import { AshlarError, messageOf } from "#errors";
import type { Reporter } from "#report/reporter.ts";
import type { ApplyErrorCode } from "../errors.ts";
import { dropUnseen, prepareLive, slotAt, switchTo } from "../mounts/switch.ts";
import type { LiveRequest } from "../mounts/switch.ts";
import type { Plan } from "../plan/plan.ts";
import { removeJournal, writeJournal } from "./journal.ts";
import type { ApplyJournal } from "./journal.ts";
import { failedUnits, restartTimes, settleUnits, stopUnits, unsettleUnits } from "./units.ts";

export interface LiveApply {
  readonly plan: Plan;
  readonly generation: number;
  readonly live: LiveRequest;
  /** What starts next now; put back with the rest. */
  readonly next: number | undefined;
  /** Makes a generation the next to start. */
  activate(generation: number): void;
  /** Names of the health probes that fail, with the reason. */
  probe(): Promise<readonly string[]>;
  readonly report: Reporter;
}

/**
 * @returns seconds that each restarted unit was away
 * @throws E_APPLY_UNDONE with what failed, when everything was put back; E_APPLY_STUCK when that failed, too
 */
export async function applyLive(apply: LiveApply): Promise<Map<string, number>> {
  const { plan, generation, live, report } = apply;
  const [usr, etc] = [slotAt("/usr"), slotAt("/etc")];
  let journal: ApplyJournal = {
    version: 1,
    phase: "preparing",
    from: { digest: plan.from.digest, ...(plan.from.generation === undefined ? {} : { generation: plan.from.generation }) },
    to: { generation, digest: live.digest },
    before: { ...(usr === undefined ? {} : { usr }), ...(etc === undefined ? {} : { etc }) },
    jobs: plan.jobs,
    ...(apply.next === undefined ? {} : { next: apply.next }),
  };
  const enter = (phase: ApplyJournal["phase"]): void => writeJournal((journal = { ...journal, phase }));
  enter("preparing");
  try {
    await report.step(`mount generation ${generation} aside`, () => prepareLive(live));
    enter("switching");
    await report.step("switch /etc and /usr", async () => {
      await stopUnits(plan.jobs);
      apply.activate(generation);
      if (live.etc) switchTo("/etc", live.slot);
      switchTo("/usr", live.slot);
    });
    enter("settling");
    await report.step("settings and services", () => settleUnits(plan.jobs));
    const failed = await report.step("health probes", async () => [
      ...(await apply.probe()),
      ...(await failedUnits(plan.jobs)).map((unit) => `${unit} failed`),
    ]);
    if (failed.length > 0) throw new Error(failed.join("; "));
  } catch (cause) {
    const before = plan.from.generation === undefined ? "what ran before" : `generation ${plan.from.generation}`;
    const message = `applying generation ${generation} failed: ${messageOf(cause)}`;
    await undoLive(journal, { ...apply, failed: message });
    throw new AshlarError<ApplyErrorCode>("E_APPLY_UNDONE", `${message}; ${before} runs again, as before`, {
      cause,
      hint: `mend it on the build host; \`ashlar plan ${generation}\` shows what it changes`,
      // "settling": the switch was done, and the generation itself is to blame.
      details: { generation, phase: journal.phase },
    });
  }
  const times = await restartTimes(plan.jobs.restart);
  dropUnseen();
  removeJournal();
  return times;
}

/**
 * Puts everything back that a journal says was changed, whatever of it was; can be repeated.
 * @param context `failed` begins the message when putting back fails
 * @throws E_APPLY_STUCK; the journal stays then
 */
export async function undoLive(
  { before, phase, jobs, next }: ApplyJournal,
  context: Pick<LiveApply, "activate" | "report"> & { readonly failed?: string },
): Promise<void> {
  const failures = await context.report.step("put everything back", async () => {
    if (phase === "preparing") return [];
    switchTo("/usr", before.usr);
    switchTo("/etc", before.etc);
    if (next !== undefined) context.activate(next);
    return unsettleUnits(jobs);
  });
  if (failures.length > 0)
    throw new AshlarError<ApplyErrorCode>(
      "E_APPLY_STUCK",
      `${context.failed === undefined ? "" : `${context.failed}; `}not all could be put back: ${failures.join("; ")}`,
      { hint: "`ashlar apply --undo` tries again; the boot entries are as before, so that a restart helps, too", details: { failures } },
    );
  dropUnseen();
  removeJournal();
}
