import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { damagedKernelFiles, repairKernel } from "#boot/repair.ts";
import type { Deployment } from "#deployment/deployment.ts";
import { locked } from "#deployment/lock.ts";
import { readRecords } from "#deployment/records.ts";
import { objectsOfImage } from "#formats/erofs/reader.ts";
import { formatBytes, formatCount } from "#report/format.ts";
import { fsck as checkStore } from "#store/fsck.ts";
import type { FsckReport, StoreProblem } from "#store/fsck.ts";
import { parseObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import { systemOf, withStore } from "../context.ts";
import type { AgentContext, AgentResult } from "../context.ts";
import { damageOf, describeDamage } from "../repair/damage.ts";
import type { Damage } from "../repair/damage.ts";
import { heal, healingSources } from "../repair/heal.ts";
import { sourcesOf } from "../updates/followed.ts";
import { recompose } from "../repair/recompose.ts";
import type { Healed } from "../repair/heal.ts";

export interface FsckCommandOptions {
  /** Fetch damaged objects again, and rewrite damaged kernels on the ESP. */
  readonly repair?: boolean;
  /** A release folder or address to ask first. */
  readonly from?: string;
}

interface Found {
  readonly problems: readonly StoreProblem[];
  readonly damage: readonly Damage[];
  /** Damaged files of the ESP that entries start. */
  readonly boot: readonly string[];
}

const SHOWN_MAX = 50;
/** Enough for an image, what it refers to, and a kernel. */
const ROUNDS = 3;

/** `ashlar fsck`: measures every object of the store, and the kernels on the ESP, again. */
export async function fsck(context: AgentContext, options: FsckCommandOptions): Promise<AgentResult> {
  const work = (): Promise<AgentResult> => withStore(context, (store) => check(context, store, options));
  return options.repair === true ? locked(context, "fsck", work) : work();
}

async function check(context: AgentContext, store: Store, options: FsckCommandOptions): Promise<AgentResult> {
  const { deployments } = readRecords(context.machine.deployments);
  const report = await measure(context, store, options.repair ?? false);
  const found = { problems: options.repair === true ? report.problems.filter(isLeft) : report.problems, deployments };
  const before = { ...found, damage: damageOf(report.problems, store, { deployments, trusted: report.problems.length === 0 }) };
  const boot = damagedBoot(context, store, before);
  if (options.repair !== true) return present({ report, boot, now: { ...before, boot }, ...NOTHING_HEALED, rewritten: [] }, options);
  const healed = await healAll(context, store, { ...before, options });
  const { problems, damage } = healed;
  for (const { image } of deployments) if (store.has(image.digest)) store.addImage(image.digest);
  store.flush();
  if (healed.objects.length > 0) forgetDamaged(context);
  const rewritten = repairBoot(context, store, { deployments, damage });
  const now = { problems, damage, boot: damagedBoot(context, store, { deployments, damage }) };
  return present({ report, boot, now, ...healed, rewritten }, options);
}

const NOTHING_HEALED: Healed = { objects: [], bytes: 0, failures: [] };

/** With `repair`, strays went and verity came on while the store was measured; damaged objects wait to be replaced. */
function isLeft({ kind }: StoreProblem): boolean {
  return kind !== "stray" && kind !== "unprotected";
}

/** Rounds of healing: an image that was damaged hides what else is missing. Only what was replaced is measured again. */
async function healAll(
  context: AgentContext,
  store: Store,
  {
    deployments,
    options,
    ...found
  }: Omit<Found, "boot"> & { readonly deployments: readonly Deployment[]; readonly options: FsckCommandOptions },
): Promise<Healed & Omit<Found, "boot">> {
  const followed = sourcesOf(context.machine, systemOf(context.machine));
  const sources = healingSources(options.from, followed, deployments);
  let [{ problems, damage }, all] = [found, NOTHING_HEALED];
  for (let round = 0; round < ROUNDS && damage.length > 0; round++) {
    const result = await context.report.step("fetch damaged objects", async (step) => {
      const made = recompose(damage, deployments, store);
      const open = damage.filter(({ object }) => !made.objects.includes(object));
      return joined(made, await heal(open, { sources, deployments, store, step }));
    });
    all = joined(all, result);
    if (result.objects.length === 0) break;
    const checked = await store.check(result.objects, true);
    const sound = new Set(result.objects.filter((_object, at) => checked[at]?.problem === undefined));
    problems = problems.filter((problem) => !("object" in problem && sound.has(problem.object)));
    damage = damageOf(problems, store, { deployments, trusted: false });
  }
  return { ...all, problems, damage };
}

function joined(a: Healed, b: Healed): Healed {
  return { objects: [...a.objects, ...b.objects], bytes: a.bytes + b.bytes, failures: [...a.failures, ...b.failures] };
}

function measure(context: AgentContext, store: Store, repair: boolean): Promise<FsckReport> {
  return context.report.step("check the store", (step) =>
    checkStore(store, {
      repair,
      keepDamaged: true,
      references: (image) => objectsOfImage(store.read(image)).flatMap(({ object }) => parseObjectId(object) ?? []),
      report: step,
    }),
  );
}

function damagedBoot(context: AgentContext, store: Store, found: Needed): string[] {
  return kernelsOf(context, store, found).flatMap((files) => damagedKernelFiles(context.machine.esp, files));
}

function repairBoot(context: AgentContext, store: Store, found: Needed): string[] {
  return kernelsOf(context, store, found).flatMap((files) => repairKernel(context.machine.esp, files));
}

interface Needed {
  readonly deployments: readonly Deployment[];
  readonly damage: readonly Damage[];
}

/** Kernels that boot entries start and whose objects are sound, each once; an interrupted staging has none on the ESP. */
function kernelsOf({ loader }: AgentContext, store: Store, { deployments, damage }: Needed) {
  const damaged = new Set(damage.map(({ object }) => object));
  const entries = new Set(loader.entries().all.map(({ generation }) => generation));
  const kernels = deployments.flatMap(({ number, image: { kernel } }) => (kernel === undefined || !entries.has(number) ? [] : [kernel]));
  const each = new Map(kernels.map((kernel) => [`${kernel.linux} ${kernel.initrd}`, kernel]));
  return [...each.values()]
    .filter(({ linux, initrd }) => [linux, initrd].every((object) => store.has(object) && !damaged.has(object)))
    .map(({ linux, initrd }) => ({ linux: store.read(linux), initrd: store.read(initrd) }));
}

/** The kernel keeps what it opened by the damaged name; dropping what nobody uses makes it look again. proc_sys_vm(5) */
function forgetDamaged({ machine }: AgentContext): void {
  const path = join(machine.root, "proc/sys/vm/drop_caches");
  if (machine.root === "/" && existsSync(path)) writeFileSync(path, "3\n");
}

interface Outcome extends Healed {
  readonly report: FsckReport;
  /** Damaged files of the ESP, before. */
  readonly boot: readonly string[];
  readonly now: Found;
  readonly rewritten: readonly string[];
}

function present({ report, boot, now, objects, bytes, failures, rewritten }: Outcome, options: FsckCommandOptions): AgentResult {
  const named = new Set(now.problems.flatMap((problem) => ("object" in problem ? [problem.object] : [])));
  const open = now.problems.length + now.damage.filter(({ object }) => !named.has(object)).length + now.boot.length;
  const lines = [
    `${formatCount(report.objects, "object")} and ${formatCount(report.images, "image")}, ${formatBytes(report.bytes)}, were measured.`,
    ...report.problems.slice(0, SHOWN_MAX).map((problem) => `problem: ${problem.kind}: ${problem.path}${reasonOf(problem)}`),
    ...(report.problems.length > SHOWN_MAX ? [`… and ${report.problems.length - SHOWN_MAX} more (--json lists all)`] : []),
    ...boot.map((path) => `problem: boot file: ${path} is not what the generation was staged with`),
    ...(objects.length > 0 ? [`${formatCount(objects.length, "object")}, ${formatBytes(bytes)}, fetched again.`] : []),
    ...rewritten.map((path) => `written again: ${path}`),
    ...failures.map(({ source, why }) => `source ${source}: ${why}`),
    ...describeDamage(now.damage),
    open === 0 ? "The store is sound." : `${formatCount(open, "problem")} left; ${adviceFor(now, options)}`,
  ];
  const json = { ...report, boot, healed: objects, healedBytes: bytes, rewritten, failures, damage: now.damage, left: open };
  return { json, text: lines.join("\n"), exitCode: open === 0 ? 0 : 1 };
}

function adviceFor({ damage }: Found, { repair }: FsckCommandOptions): string {
  if (repair !== true) return "`ashlar fsck --repair` fetches what is damaged again.";
  if (damage.length > 0) return "`ashlar fsck --repair --from SOURCE` with a release folder that has these generations heals it.";
  return "`ashlar collect` removes what no generation needs.";
}

function reasonOf(problem: StoreProblem): string {
  return "reason" in problem ? `: ${problem.reason}` : "";
}
