/**
 * The plan: every difference between what runs and another generation, with what it costs and why. A pure function of two
 * trees and of facts about the running system, so that it is the same for `ashlar plan` and before every apply.
 */
import type { System } from "#config/system.ts";
import type { Image } from "#image/image.ts";
import { worstOf } from "./cost.ts";
import type { Cost } from "./cost.ts";
import type { Facts } from "./facts.ts";
import { groupChanges } from "./group.ts";
import type { Group } from "./group.ts";
import { jobsOf } from "./jobs.ts";
import type { Jobs } from "./jobs.ts";
import { kernelDifferences } from "./kernel.ts";
import { unitSets } from "./known-units.ts";
import { packagesOf } from "./packages.ts";
import { effectsOf } from "./effects.ts";
import type { Effect } from "./effects.ts";
import { changesBetween } from "./tree.ts";
import type { Tree } from "./tree.ts";

export interface Side {
  readonly generation: number | undefined;
  readonly digest: string;
  readonly tree: Tree;
  /** Of the kernel that runs, or that its boot entry starts. */
  readonly kernel: Image["kernel"];
  readonly etcMode: System["state"]["etcMode"];
}

/** What data says about going back; from the state of services. */
export type Reversibility = "reversible" | "reversible-until-first-write" | "one-way";

export interface PlanInput {
  readonly from: Side;
  readonly to: Side;
  readonly facts: Facts;
  /** Why a way cannot be taken on this machine, whatever the difference is. */
  readonly refusals?: Partial<Record<Way, readonly string[]>>;
  /** Seconds that something took last time: "restart nginx.service", "soft-reboot". */
  readonly downtimes?: ReadonlyMap<string, number>;
  readonly reversibility?: Reversibility;
}

/** How a generation gets to run, from the least interruption to the most. */
export const WAYS = ["live", "soft-reboot", "kexec", "reboot"] as const;
export type Way = (typeof WAYS)[number];

export interface PlanLine {
  /** "nginx 1.26.3-3 → 1.26.3-4", a path, an option. */
  readonly what: string;
  readonly cost: Cost;
  /** Services that are reloaded, restarted, started or stopped for it. */
  readonly units: readonly string[];
  readonly why: string;
  readonly paths: readonly string[];
  /** Seconds of the last time, where it was measured. */
  readonly downtime?: number;
}

export interface Plan {
  readonly from: { readonly generation: number | undefined; readonly digest: string };
  readonly to: { readonly generation: number | undefined; readonly digest: string };
  readonly cost: Cost;
  readonly lines: readonly PlanLine[];
  readonly jobs: Jobs;
  /** Whether the image's /etc differs. */
  readonly etcChanges: boolean;
  /** Reasons against each way; a way without any can be taken. */
  readonly refused: Readonly<Record<Way, readonly string[]>>;
  /** The least interruption that is enough. */
  readonly way: Way;
  /** Files of /etc that are new in the image, but changed by hand here, so that they are not seen until a restart. */
  readonly hidden: readonly string[];
  readonly reversibility?: Reversibility;
  /** False when it was not made by root: then packages alone say what restarts. */
  readonly complete: boolean;
}

export function plan(input: PlanInput): Plan {
  const { from, to, facts } = input;
  const changes = changesBetween(from.tree, to.tree);
  const packages = { from: packagesOf(from.tree), to: packagesOf(to.tree) };
  const { known, changes: units } = unitSets({ from: from.tree, to: to.tree }, facts, packages.to);
  const context = { from: from.tree, to: to.tree, facts, units: known, packages: packages.to };
  const kernel = kernelDifferences(from.kernel, to.kernel);
  const groups = groupChanges(changes, packages);
  const described = groups.map((group) => ({ group, effects: group.paths.flatMap((path) => effectsOf(path, context)) }));
  const lines = [
    ...kernel.map(({ what, why }): PlanLine => ({ what, cost: "kexec", units: [], why, paths: [], ...seen(input, ["kexec"]) })),
    ...described.map(({ group, effects }) => lineOf(group, effects, input)),
    ...units.map(({ unit, verb, why }): PlanLine => ({
      what: unit,
      cost: verb === "start" ? "daemon-reload" : "restart",
      units: [`${verb} ${unit}`],
      why,
      paths: [],
    })),
  ].sort((a, b) => (a.what < b.what ? -1 : 1));
  const cost = worstOf(lines.map((line) => line.cost));
  const etcChanges = changes.some(({ path }) => path.startsWith("/etc/"));
  const refused = refusalsOf(input, kernel.length > 0, etcChanges);
  return {
    from: { generation: from.generation, digest: from.digest },
    to: { generation: to.generation, digest: to.digest },
    cost,
    lines,
    jobs: jobsOf(
      described.flatMap(({ effects }) => effects),
      units,
    ),
    etcChanges,
    refused,
    way: WAYS.find((way) => refused[way].length === 0 && isEnough(way, cost)) ?? "reboot",
    hidden: changes.flatMap(({ path }) => (facts.edited.has(path) ? [path] : [])),
    ...(input.reversibility === undefined ? {} : { reversibility: input.reversibility }),
    complete: facts.complete,
  };
}

/** A new kernel, initrd or argument needs kexec; a live change can do all that costs no more than restarts. */
function isEnough(way: Way, cost: Cost): boolean {
  const most: Record<Way, Cost> = { live: "restart", "soft-reboot": "soft-reboot", kexec: "kexec", reboot: "reboot" };
  return worstOf([cost, most[way]]) === most[way];
}

function refusalsOf({ from, to, refusals }: PlanInput, kernelDiffers: boolean, etcChanges: boolean): Record<Way, string[]> {
  const sameKernel = from.kernel?.linux === to.kernel?.linux;
  const persistent = from.etcMode === "persistent" || to.etcMode === "persistent";
  const modules = `the kernels differ (${from.kernel?.version ?? "none"}, ${to.kernel?.version ?? "none"}), and modules lie in /usr`;
  return {
    live: [
      ...(refusals?.live ?? []),
      ...(sameKernel ? [] : [modules]),
      ...(etcChanges && persistent ? ["/etc is persistent, and its image's part changes"] : []),
      ...(from.etcMode === to.etcMode ? [] : ["state.etcMode changes"]),
    ],
    "soft-reboot": [
      ...(refusals?.["soft-reboot"] ?? []),
      ...(kernelDiffers ? ["kernel, initrd or kernel arguments differ"] : []),
      ...(persistent ? ["/etc is persistent: two generations would use one upper layer"] : []),
    ],
    kexec: [...(refusals?.kexec ?? [])],
    reboot: [...(refusals?.reboot ?? [])],
  };
}

function lineOf({ what, paths }: Group, effects: readonly Effect[], input: PlanInput): PlanLine {
  const cost = worstOf(effects.map((effect) => effect.cost));
  const deciding = effects.find((effect) => effect.cost === cost);
  const units = [...new Set(effects.flatMap(({ unit, verb }) => (unit === undefined ? [] : [`${verb} ${unit}`])))].sort();
  return { what, cost, units, why: deciding?.why ?? "used when it is next read", paths, ...seen(input, [cost, ...units]) };
}

/** The longest of what these took last time. */
function seen({ downtimes }: PlanInput, kinds: readonly string[]): { downtime?: number } {
  const known = kinds.flatMap((kind) => downtimes?.get(kind) ?? []);
  return known.length === 0 ? {} : { downtime: Math.max(...known) };
}
