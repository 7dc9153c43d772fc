/** Applies a plan to the running system, with probes and undo. */
import { readlinkSync } from "node:fs";
import { recordDowntimes } from "#apply/downtime.ts";
import type { ApplyErrorCode } from "#apply/errors.ts";
import { freeSlot } from "#apply/mounts/layout.ts";
import { applyLive } from "#apply/run/live.ts";
import { AshlarError } from "#errors";
import { exec } from "#sys/exec.ts";
import type { AgentContext } from "../context.ts";
import { probe } from "../health/probe.ts";
import { activator } from "./pointer.ts";
import type { Planned } from "./planned.ts";

/**
 * @param probed false when a generation comes back: it was good, and stays whatever its probes say
 * @returns seconds that each restarted unit was away
 * @throws E_APPLY_UNDONE, E_APPLY_STUCK, E_APPLY_REFUSED
 */
export async function goLive(
  context: AgentContext,
  { plan, target, system }: Planned,
  probed: boolean,
): Promise<ReadonlyMap<string, number>> {
  const { machine, loader, report } = context;
  requireMainNamespace();
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
      probed
        ? (await probe(system.health)).flatMap(({ name, passed, reason }) => (passed ? [] : [`probe ${name}: ${reason ?? "failed"}`]))
        : [],
    report,
  });
  recordDowntimes(machine.sysroot, new Map([...times].map(([unit, seconds]) => [`restart ${unit}`, seconds])));
  return times;
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
