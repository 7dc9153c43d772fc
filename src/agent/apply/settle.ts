/** What becomes of an apply after the new start, and when nobody confirms. */
import { newestSession, ticksNow } from "#apply/confirm/login.ts";
import { hasCountdown, readPending, removePending, writeCountdown, writePending } from "#apply/confirm/pending.ts";
import type { Pending } from "#apply/confirm/pending.ts";
import { recordDowntimes } from "#apply/downtime.ts";
import { clearNextRoot } from "#apply/mounts/next-root.ts";
import { dropUnseen } from "#apply/mounts/switch.ts";
import type { Way } from "#apply/plan/plan.ts";
import { bootIdOf } from "#deployment/boot-id.ts";
import { locked } from "#deployment/lock.ts";
import { readRecords } from "#deployment/records.ts";
import { generationNumberOf } from "#deployment/running.ts";
import { messageOf } from "#errors";
import { exec } from "#sys/exec.ts";
import type { AgentContext, AgentResult } from "../context.ts";
import { goLive } from "./live.ts";
import { planFor } from "./planned.ts";
import { activator } from "./pointer.ts";
import { goByRestart, uptime } from "./restart.ts";

export interface Begin {
  readonly from: number;
  readonly to: number;
  readonly way: Way;
  /** Seconds to confirm in. */
  readonly confirm?: number;
}

/** Writes down that a change begins; it is taken back from now on when it does not come to its end. */
export function beginPending({ machine, now }: AgentContext, { from, to, way, confirm }: Begin): Pending {
  const pending: Pending = {
    version: 1,
    from,
    to,
    way,
    boot: bootIdOf(machine),
    began: { clock: now(), uptime: uptime() },
    settled: false,
    ...(confirm === undefined ? {} : { confirm: { seconds: confirm, ...(way === "live" ? {} : loginsNow()) } }),
  };
  writePending(machine.sysroot, pending);
  // A live change counts from its end, when people can look at it.
  if (way !== "live") writeCountdown(machine.sysroot, pending, pending.began.uptime);
  return pending;
}

/** A live change is complete: from now on new logins confirm it, and seconds count. */
export async function startCountdown({ machine }: AgentContext, pending: Pending): Promise<void> {
  if (pending.confirm === undefined) return;
  const complete: Pending = { ...pending, settled: true, confirm: { ...pending.confirm, ...loginsNow() } };
  writePending(machine.sysroot, complete);
  writeCountdown(machine.sysroot, complete, uptime());
  await exec("systemctl", ["restart", "ashlar-confirm.service"]);
}

/** Nobody repeats what a start or a deadline began: it waits for whatever changes generations, such as a slow upgrade. */
const WAIT_MS = 3_600_000;

/** `ashlar apply --settle`, after a start: its probes have been run by ashlar-health.service. */
export async function settle(context: AgentContext): Promise<AgentResult> {
  return locked(context, { command: "apply --settle", waitMs: WAIT_MS }, async () => {
    const { machine, now } = context;
    clearNextRoot();
    dropUnseen();
    const pending = readPending(machine.sysroot);
    if (pending === undefined || pending.settled) return { json: { outcome: "nothing" }, text: "Nothing waits for its end." };
    const runs = generationNumberOf(machine.running, readRecords(machine.deployments));
    if (runs !== pending.to) {
      removePending(machine.sysroot);
      return {
        json: { outcome: "fell-back", generation: runs },
        text: `Generation ${pending.to} did not stay; generation ${runs ?? "?"} runs.`,
      };
    }
    const { exitCode } = await exec("systemctl", ["is-active", "--quiet", "ashlar-health.service"], { allowFailure: true });
    if (exitCode !== 0) {
      // The boot loader counts real starts itself; of this one it knows nothing.
      activator(context)(pending.from);
      removePending(machine.sysroot);
      if (pending.way !== "reboot") await exec("systemctl", ["reboot"]);
      return {
        json: { outcome: "failed", generation: pending.to },
        text: `The probes of generation ${pending.to} fail: generation ${pending.from} starts.`,
        exitCode: 1,
      };
    }
    const same = pending.boot === bootIdOf(machine);
    const seconds = same ? uptime() - pending.began.uptime : now() - pending.began.clock;
    if (seconds > 0 && pending.way !== "live") recordDowntimes(machine.sysroot, new Map([[pending.way, seconds]]));
    if (pending.confirm === undefined) removePending(machine.sysroot);
    else {
      // A power cut in a live change, before its countdown: it begins now.
      if (!hasCountdown(machine.sysroot)) writeCountdown(machine.sysroot, { ...pending, boot: bootIdOf(machine) }, uptime());
      writePending(machine.sysroot, { ...pending, settled: true });
      await exec("systemctl", ["start", "ashlar-confirm.service"]);
    }
    return {
      json: { outcome: "settled", way: pending.way, seconds },
      text: `Generation ${pending.to} runs ${seconds} s after it was asked for.`,
    };
  });
}

/** `ashlar apply --revert`, when nobody confirmed: the way it came, or by a restart. */
export async function revert(context: AgentContext): Promise<AgentResult> {
  return locked(context, { command: "apply --revert", waitMs: WAIT_MS }, async () => {
    const { machine } = context;
    const pending = readPending(machine.sysroot);
    if (pending?.confirm === undefined) return { json: { outcome: "nothing" }, text: "Nothing waits for a confirmation." };
    const { from: back, to: away } = pending;
    // Whatever happens from here on, the next start is the generation before.
    activator(context)(back);
    try {
      const planned = await planFor(context, back);
      const way = planned.plan.refused[pending.way].length === 0 ? pending.way : planned.plan.way;
      if (planned.plan.lines.length === 0) removePending(machine.sysroot);
      else if (way === "live") {
        await goLive(context, planned, false);
        removePending(machine.sysroot);
      } else await goByRestart(context, planned, { way, begin: () => beginPending(context, { from: away, to: back, way }) });
      return {
        json: { outcome: "reverted", generation: back, way },
        text: `Nobody confirmed generation ${away}: generation ${back} comes back.`,
      };
    } catch (error) {
      removePending(machine.sysroot);
      await exec("systemctl", ["reboot"]);
      return {
        json: { outcome: "restarts", generation: back },
        text: `Generation ${back} comes back by a restart: ${messageOf(error)}`,
        exitCode: 1,
      };
    }
  });
}

function loginsNow(): { readonly since: number; readonly session: number } {
  return { since: ticksNow("/proc"), session: newestSession("/proc") };
}
