/** The plan from what runs to a generation of this machine. */
import { etcUpper, mountObstacles, readMounts } from "#apply/mounts/seen.ts";
import { readDowntimes } from "#apply/downtime.ts";
import type { ApplyErrorCode } from "#apply/errors.ts";
import { gatherFacts } from "#apply/facts/gather.ts";
import { kexecRefusals } from "#apply/run/kexec-refusals.ts";
import { plan as makePlan } from "#apply/plan/plan.ts";
import type { Plan, Side } from "#apply/plan/plan.ts";
import { treeOf } from "#apply/plan/tree.ts";
import type { System } from "#config/system.ts";
import type { Deployment } from "#deployment/deployment.ts";
import type { Machine, RunningImage } from "#deployment/machine.ts";
import { readRecords } from "#deployment/records.ts";
import { generationNumberOf } from "#deployment/running.ts";
import { AshlarError } from "#errors";
import { readImage } from "#formats/erofs/reader.ts";
import { reversibility } from "#state/reversibility.ts";
import { readSystem } from "#state/system-of.ts";
import { parseObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import { withStore } from "../context.ts";
import type { AgentContext } from "../context.ts";

export interface Planned {
  readonly plan: Plan;
  readonly target: Deployment;
  /** The System of the generation that comes. */
  readonly system: System;
}

/**
 * The plan from what runs to a generation.
 * @param generation the next to start when absent
 * @throws E_APPLY_NOT_BOOTED, E_APPLY_ROOT, E_GENERATION_UNKNOWN
 */
export async function planFor(context: AgentContext, generation: number | undefined): Promise<Planned> {
  const { machine, loader } = context;
  requireRunning(machine);
  const wanted = generation ?? loader.entries().next;
  const target = readRecords(machine.deployments).deployments.find(({ number }) => number === wanted);
  if (target === undefined)
    throw new AshlarError("E_GENERATION_UNKNOWN", `generation ${wanted ?? "that starts next"} is not on this machine`, {
      hint: "`ashlar generations` lists those there are; `ashlar upgrade` brings a newer one",
    });
  return planTo(context, target);
}

/** The same to what need be no generation yet: its objects are here. @throws E_APPLY_NOT_BOOTED, E_APPLY_ROOT */
export async function planTo(context: AgentContext, target: Deployment): Promise<Planned> {
  const { machine, report } = context;
  const { booted, running } = requireRunning(machine);
  const records = readRecords(machine.deployments);
  const started = records.deployments.find(({ number }) => number === generationNumberOf(booted, records));
  return report.step("compare", async () =>
    withStore(context, async (store) => {
      const mounts = readMounts();
      const from = sideOf(store, running.digest, generationNumberOf(running, records), started?.image.kernel);
      const to = sideOf(store, target.image.digest, target.number, target.image.kernel);
      const [before, after] = [systemIn(from), systemIn(to)];
      if (after === undefined) throw notOurs(target);
      const found = makePlan({
        from,
        to,
        facts: await gatherFacts(etcUpper(mounts)),
        refusals: { live: mountObstacles(mounts), kexec: kexecRefusals() },
        downtimes: readDowntimes(machine.sysroot),
        ...(before === undefined ? {} : { reversibility: reversibility(before, after, machine).reversibility }),
      });
      return { plan: found, target, system: after };
    }),
  );
}

function requireRunning({ booted, running }: Machine): { readonly booted: RunningImage; readonly running: RunningImage } {
  if (booted === undefined || running === undefined)
    throw new AshlarError<ApplyErrorCode>("E_APPLY_NOT_BOOTED", "this computer does not run a generation of Ashlar", {
      hint: "run it on a machine made by `ashlar disk`",
    });
  if (process.getuid?.() !== 0)
    throw new AshlarError<ApplyErrorCode>("E_APPLY_ROOT", "what programs have in their memory can be seen only by root", {
      hint: "sudo ashlar plan",
    });
  return { booted, running };
}

function sideOf(store: Store, digest: string, generation: number | undefined, kernel: Side["kernel"]): Side {
  const read = (object: string): Buffer => {
    const id = parseObjectId(object);
    if (id === undefined) throw new TypeError(`${object} is no digest`);
    return store.read(id);
  };
  const tree = treeOf(readImage(read(digest)), read);
  return { generation, digest, tree, kernel, etcMode: (tree.text("/usr/lib/ashlar/etc-mode")?.trim() ?? "ephemeral") as Side["etcMode"] };
}

function systemIn({ tree }: Side): System | undefined {
  return readSystem({ read: (path) => tree.text(path), list: () => [] });
}

function notOurs({ number }: Deployment): AshlarError<ApplyErrorCode> {
  return new AshlarError("E_APPLY_IMAGE", `the image of generation ${number} has no /usr/lib/ashlar/system.json`, {
    hint: "publish it again with a newer Ashlar",
  });
}
