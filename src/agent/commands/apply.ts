/** Brings the running system to a generation with the least interruption that is enough. */
import type { ApplyErrorCode } from "#apply/errors.ts";
import { readPending, removePending } from "#apply/confirm/pending.ts";
import { WAYS } from "#apply/plan/plan.ts";
import type { Plan, Way } from "#apply/plan/plan.ts";
import { readJournal } from "#apply/run/journal.ts";
import { undoLive } from "#apply/run/live.ts";
import { locked } from "#deployment/lock.ts";
import type { Machine } from "#deployment/machine.ts";
import { deny, readTrials, writeTrials } from "#deployment/trials.ts";
import { AshlarError, messageOf } from "#errors";
import { goLive } from "../apply/live.ts";
import { oldCode } from "../apply/old-code.ts";
import type { OldCode } from "../apply/old-code.ts";
import { planFor } from "../apply/planned.ts";
import type { Planned } from "../apply/planned.ts";
import { activator } from "../apply/pointer.ts";
import { goByRestart } from "../apply/restart.ts";
import { beginPending, startCountdown } from "../apply/settle.ts";
import type { AgentContext, AgentResult } from "../context.ts";
import { jsonOf, textOf } from "./plan.ts";

export interface ApplyOptions {
  readonly generation?: number;
  /** The least that is enough when absent. */
  readonly way?: Way;
  /** Seconds within which a new login must confirm it. */
  readonly confirm?: number;
}

/** `ashlar apply [N]` */
export async function apply(context: AgentContext, options: ApplyOptions): Promise<AgentResult> {
  return locked(context, "apply", async () => {
    requireFinished(context.machine);
    const planned = await planFor(context, options.generation);
    const { plan, target } = planned;
    if (plan.lines.length === 0) return { json: { outcome: "current", ...jsonOf(plan) }, text: textOf(plan, context.columns) };
    const way = chosen(plan, options.way);
    const { confirm } = options;
    const from = plan.from.generation;
    if (from === undefined && (way !== "live" || confirm !== undefined)) throw unknownOrigin(plan);
    const begin = { from: from ?? target.number, to: target.number, way, ...(confirm === undefined ? {} : { confirm }) };
    if (way !== "live") {
      await goByRestart(context, planned, {
        way,
        begin: () => {
          activator(context)(target.number);
          return beginPending(context, begin);
        },
      });
      return { json: { outcome: "restarts", way, ...jsonOf(plan) }, text: `Generation ${target.number} starts by ${way}.` };
    }
    const times = await applyNow(context, planned, begin);
    const old = oldCode(plan);
    const text = [
      `Generation ${target.number} runs now. ${done(times)}`,
      ...describeOld(old),
      ...(confirm === undefined ? [] : [deadline(confirm)]),
    ];
    return {
      json: { outcome: "applied", way, restarted: Object.fromEntries(times), oldCode: old, ...jsonOf(plan) },
      text: text.join("\n"),
    };
  });
}

/** `ashlar apply --undo`: puts back what an interrupted apply left. */
export async function undo(context: AgentContext): Promise<AgentResult> {
  return locked(context, "apply --undo", async () => {
    const { machine, report } = context;
    const journal = readJournal();
    if (journal === undefined) return { json: { outcome: "nothing" }, text: "No apply was interrupted." };
    await undoLive(journal, { activate: activator(context), report });
    removePending(machine.sysroot);
    const { generation } = journal.to;
    return { json: { outcome: "undone", generation }, text: `Generation ${generation} was taken back; what ran before runs again.` };
  });
}

async function applyNow(
  context: AgentContext,
  planned: Planned,
  begin: Parameters<typeof beginPending>[1],
): Promise<ReadonlyMap<string, number>> {
  const { machine } = context;
  const pending = begin.confirm === undefined ? undefined : beginPending(context, begin);
  try {
    const times = await goLive(context, planned, true);
    if (pending !== undefined) await startCountdown(context, pending);
    return times;
  } catch (error) {
    if (pending !== undefined) removePending(machine.sysroot);
    if (error instanceof AshlarError && error.code === "E_APPLY_UNDONE" && error.details["phase"] === "settling")
      recordFailure(context, planned, begin.from, messageOf(error));
    throw error;
  }
}

/** It does not work here: it does not start by itself, and is not offered again. */
function recordFailure(context: AgentContext, { target }: Planned, from: number, reason: string): void {
  const { machine, now } = context;
  const { trials } = readTrials(machine);
  const sequence = target.sequence === undefined ? {} : { sequence: target.sequence };
  activator(context)(from);
  writeTrials(
    machine,
    deny(trials, { generation: target.number, image: target.image.digest, ...sequence, reason, probes: [], log: [], when: now() }),
  );
}

function chosen(plan: Plan, way: Way | undefined): Way {
  if (way === undefined) return plan.way;
  const reasons = plan.refused[way];
  if (reasons.length === 0) return way;
  const possible = WAYS.filter((each) => plan.refused[each].length === 0);
  throw new AshlarError<ApplyErrorCode>(
    "E_APPLY_REFUSED",
    `generation ${plan.to.generation} cannot be applied by --${way}: ${reasons.join("; ")}`,
    { hint: `ashlar apply --${possible[0] ?? "reboot"}`, details: { way, reasons } },
  );
}

function requireFinished({ sysroot }: Machine): void {
  const journal = readJournal();
  if (journal !== undefined)
    throw new AshlarError<ApplyErrorCode>(
      "E_APPLY_UNFINISHED",
      `applying generation ${journal.to.generation} was interrupted while ${journal.phase}`,
      { hint: "`ashlar apply --undo` puts everything back", details: { phase: journal.phase, generation: journal.to.generation } },
    );
  const pending = readPending(sysroot);
  if (pending === undefined) return;
  throw new AshlarError<ApplyErrorCode>(
    "E_APPLY_UNFINISHED",
    `generation ${pending.to} ${pending.confirm === undefined ? "has not settled yet" : "waits for `ashlar confirm`"}`,
    { hint: pending.confirm === undefined ? "wait for ashlar-settle.service" : "`ashlar confirm` from a new login keeps it; or wait" },
  );
}

function unknownOrigin(plan: Plan): AshlarError<ApplyErrorCode> {
  return new AshlarError(
    "E_APPLY_REFUSED",
    `what runs (${plan.from.digest.slice(0, 12)}) is no generation of this machine any more: there is no way back`,
    {
      hint: "ashlar apply --live",
    },
  );
}

function describeOld(old: readonly OldCode[]): string[] {
  if (old.length === 0) return [];
  return ["Still running old code:", ...old.map(({ unit, pids, path }) => `  ${unit} (${pids.join(", ")}): ${path}`)];
}

function done(times: ReadonlyMap<string, number>): string {
  if (times.size === 0) return "Nothing was restarted.";
  return `Restarted: ${[...times].map(([unit, seconds]) => `${unit} (${seconds.toFixed(2)} s away)`).join(", ")}.`;
}

function deadline(seconds: number): string {
  return `It is taken back in ${seconds} s unless a new login runs \`sudo ashlar confirm\`.`;
}
