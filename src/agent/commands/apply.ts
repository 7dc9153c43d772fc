/** Brings the running system to a generation with the least interruption that is enough. */
import { readlinkSync } from "node:fs";
import type { ApplyErrorCode } from "#apply/errors.ts";
import { recordDowntimes } from "#apply/downtime.ts";
import { freeSlot } from "#apply/mounts/layout.ts";
import { WAYS } from "#apply/plan/plan.ts";
import type { Plan, Way } from "#apply/plan/plan.ts";
import { readJournal } from "#apply/run/journal.ts";
import { applyLive, undoLive } from "#apply/run/live.ts";
import { locked } from "#deployment/lock.ts";
import { AshlarError } from "#errors";
import { exec } from "#sys/exec.ts";
import type { AgentContext, AgentResult } from "../context.ts";
import { probe } from "../health/probe.ts";
import { jsonOf, planFor, textOf } from "./plan.ts";
import type { Planned } from "./plan.ts";

export interface ApplyOptions {
  readonly generation?: number;
  /** The least that is enough when absent. */
  readonly way?: Way;
}

/** `ashlar apply [N]` */
export async function apply(context: AgentContext, options: ApplyOptions): Promise<AgentResult> {
  return locked(context.machine, "apply", async () => {
    requireFinished();
    const planned = await planFor(context, options.generation);
    const { plan } = planned;
    if (plan.lines.length === 0) return { json: { outcome: "current", ...jsonOf(plan) }, text: textOf(plan, context.columns) };
    const way = chosen(plan, options.way);
    if (way !== "live") throw new Error("not yet");
    requireMainNamespace();
    const times = await live(context, planned);
    const text = `Generation ${planned.target.number} runs now. ${done(times)}`;
    return { json: { outcome: "applied", way, restarted: Object.fromEntries(times), ...jsonOf(plan) }, text };
  });
}

/** `ashlar apply --undo`: puts back what an interrupted apply left. */
export async function undo(context: AgentContext): Promise<AgentResult> {
  return locked(context.machine, "apply --undo", async () => {
    const journal = readJournal();
    if (journal === undefined) return { json: { outcome: "nothing" }, text: "No apply was interrupted." };
    await undoLive(journal, { activate: activator(context), report: context.report });
    return {
      json: { outcome: "undone", generation: journal.to.generation },
      text: `Generation ${journal.to.generation} was taken back; what ran before runs again.`,
    };
  });
}

async function live(context: AgentContext, { plan, target, system }: Planned): Promise<ReadonlyMap<string, number>> {
  const { machine, loader, report } = context;
  // It waits for this process, and puts everything back when that was killed.
  await exec("systemctl", ["start", "ashlar-apply-guard.service"]);
  // Whoever started it may log out: it goes on.
  process.on("SIGHUP", () => {});
  const times = await applyLive({
    plan,
    generation: target.number,
    live: {
      slot: freeSlot(target.number),
      digest: target.image.digest,
      store: machine.store,
      etc: plan.etcChanges,
      readonlyEtc: system.state.etcMode === "readonly",
    },
    next: loader.entries().next,
    activate: activator(context),
    probe: async () =>
      (await probe(system.health)).flatMap(({ name, passed, reason }) => (passed ? [] : [`probe ${name}: ${reason ?? "failed"}`])),
    report,
  });
  recordDowntimes(machine.sysroot, new Map([...times].map(([unit, seconds]) => [`restart ${unit}`, seconds])));
  return times;
}

/** Makes a generation the next to start, unless it is. */
function activator({ loader }: AgentContext): (generation: number) => void {
  return (generation) => {
    const { next, activation } = loader.entries();
    if (next !== generation) loader.activate(generation, activation + 1);
  };
}

function chosen(plan: Plan, way: Way | undefined): Way {
  if (way === undefined) return plan.way;
  const reasons = plan.refused[way];
  if (reasons.length === 0) return way;
  const possible = WAYS.filter((each) => plan.refused[each].length === 0);
  throw new AshlarError<ApplyErrorCode>(
    "E_APPLY_REFUSED",
    `generation ${plan.to.generation} cannot be applied by --${way}: ${reasons.join("; ")}`,
    {
      hint: `ashlar apply --${possible[0] ?? "reboot"}`,
      details: { way, reasons },
    },
  );
}

function requireFinished(): void {
  const journal = readJournal();
  if (journal === undefined) return;
  throw new AshlarError<ApplyErrorCode>(
    "E_APPLY_UNFINISHED",
    `applying generation ${journal.to.generation} was interrupted while ${journal.phase}`,
    {
      hint: "`ashlar apply --undo` puts everything back",
      details: { phase: journal.phase, generation: journal.to.generation },
    },
  );
}

/** Mounts made elsewhere would be seen by nobody else. */
function requireMainNamespace(): void {
  if (readlinkSync("/proc/self/ns/mnt") === readlinkSync("/proc/1/ns/mnt")) return;
  throw new AshlarError<ApplyErrorCode>(
    "E_APPLY_REFUSED",
    "this process has mounts of its own, so that nobody else would see the new generation",
    {
      hint: "systemd-run --pipe --wait ashlar apply",
    },
  );
}

function done(times: ReadonlyMap<string, number>): string {
  if (times.size === 0) return "Nothing was restarted.";
  return `Restarted: ${[...times].map(([unit, seconds]) => `${unit} (${seconds.toFixed(2)} s away)`).join(", ")}.`;
}
