/** Commands that change which generations there are, and which starts. */
import { locked } from "#deployment/lock.ts";
import { setPinned } from "#deployment/pin.ts";
import { rollback as rollBack, rollbackTarget } from "#deployment/rollback.ts";
import type { StateChoice } from "#state/rollback.ts";
import { formatBytes, formatCount } from "#report/format.ts";
import { exec } from "#sys/exec.ts";
import { collectGenerations } from "../collecting.ts";
import { withStore } from "../context.ts";
import type { AgentContext, AgentResult } from "../context.ts";
import { prepareState } from "../rollback-state.ts";
import { settleTrials } from "../health/judge.ts";

/** `ashlar rollback [N]` */
export async function rollback(
  context: AgentContext,
  options: { readonly generation?: number; readonly reboot?: boolean; readonly state?: StateChoice },
): Promise<AgentResult> {
  return locked(context, "rollback", async () => {
    const target = rollbackTarget(context.machine, context.loader, options.generation);
    const returns = await prepareState(context, target, options.state);
    const result = rollBack(context.machine, context.loader, target.number);
    const reboot = options.reboot === true && result.restart;
    if (reboot) await exec("systemctl", ["reboot"]);
    const what = `Generation ${result.generation} ${result.changed ? "starts" : "was to start already"} at the next reboot`;
    const text = result.restart
      ? `${what}.${reboot ? " The machine restarts." : ""}`
      : `${what}; it is the one that runs, so nothing else is to do.`;
    const said = returns.map(({ unit, from, to, choice }) =>
      choice === "restore"
        ? `${unit}: its data goes back from version ${from} to ${to}; what was written since is set aside.`
        : `${unit}: version ${to} starts on data of version ${from}.`,
    );
    return { json: { ...result, reboot, ...(returns.length === 0 ? {} : { state: returns }) }, text: [text, ...said].join("\n") };
  });
}

/** `ashlar pin N`, `ashlar unpin N` */
export async function pin(context: AgentContext, generation: number, pinned: boolean): Promise<AgentResult> {
  const command = pinned ? "pin" : "unpin";
  return locked(context, command, async () => {
    const changed = setPinned(context.machine, generation, pinned);
    const state = pinned ? "pinned: it stays until `ashlar unpin`" : "not pinned: `ashlar collect` may remove it";
    return { json: { generation, pinned, changed }, text: `Generation ${generation} is ${changed ? "now" : "already"} ${state}.` };
  });
}

/** `ashlar collect` */
export async function collect(context: AgentContext, options: { readonly keep?: number; readonly dryRun?: boolean }): Promise<AgentResult> {
  return locked(context, "collect", () =>
    withStore(context, async (store) => {
      await settleTrials(context);
      const result = await context.report.step("collect", () => collectGenerations(context, store, options));
      const would = options.dryRun === true ? "would be " : "";
      const freed = `${formatCount(result.objects, "object")}, ${formatBytes(result.bytes)}`;
      const lines = [
        result.removed.length === 0 ? "No generation can go." : `Generations ${would}removed: ${result.removed.join(", ")}.`,
        ...result.kept.map(({ generation, why }) => `  kept ${generation}: ${why}`),
        `Objects ${would}removed: ${freed}.`,
        ...(result.snapshotBytes > 0 ? [`Copies of services' data removed: ${formatBytes(result.snapshotBytes)}.`] : []),
      ];
      return { json: { ...result, dryRun: options.dryRun ?? false }, text: lines.join("\n") };
    }),
  );
}
