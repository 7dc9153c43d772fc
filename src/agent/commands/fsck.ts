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
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import { systemOf, withStore } from "../context.ts";
import type { AgentContext, AgentResult } from "../context.ts";
import { damageOf, describeDamage } from "../repair/damage.ts";
import type { Damage } from "../repair/damage.ts";
import { heal, sourcesOf } from "../repair/heal.ts";
import { recompose } from "../repair/recompose.ts";
import type { Healed } from "../repair/heal.ts";

export interface FsckCommandOptions {
  /** Fetch damaged objects again, and rewrite damaged kernels on the ESP. */
  readonly repair?: boolean;
  /** A release folder or address to ask first. */
  readonly from?: string;
}

interface Found {
  readonly report: FsckReport;
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
  return options.repair === true ? locked(context.machine, "fsck", work) : work();
}

async function check(context: AgentContext, store: Store, options: FsckCommandOptions): Promise<AgentResult> {
  const { deployments } = readRecords(context.machine.deployments);
  const before = await look(context, store, { deployments, repair: options.repair ?? false });
  const healed: ObjectId[] = [];
  const failures: Healed["failures"][number][] = [];
  let [bytes, now] = [0, before];
  if (options.repair === true) {
    const sources = sourcesOf(options.from, systemOf(context.machine).updates.source, deployments);
    for (let round = 0; round < ROUNDS && now.damage.length > 0; round++) {
      const result = await context.report.step("fetch damaged objects", async (step) => {
        const made = recompose(now.damage, deployments, store);
        const damage = now.damage.filter(({ object }) => !made.objects.includes(object));
        return joined(made, await heal(damage, { sources, deployments, store, step }));
      });
      healed.push(...result.objects);
      bytes += result.bytes;
      failures.push(...result.failures);
      if (result.objects.length === 0) break;
      now = await look(context, store, { deployments, repair: true });
    }
    for (const { image } of deployments) if (store.has(image.digest)) store.addImage(image.digest);
    store.flush();
    if (healed.length > 0) forgetDamaged(context);
  }
  const rewritten = options.repair === true && now.boot.length > 0 ? repairBoot(context, store, deployments) : [];
  return present({ before, now, healed, bytes, failures, rewritten }, options);
}

function joined(a: Healed, b: Healed): Healed {
  return { objects: [...a.objects, ...b.objects], bytes: a.bytes + b.bytes, failures: [...a.failures, ...b.failures] };
}

async function look(
  context: AgentContext,
  store: Store,
  { deployments, repair }: { readonly deployments: readonly Deployment[]; readonly repair: boolean },
): Promise<Found> {
  const report = await context.report.step("check the store", (step) =>
    checkStore(store, {
      repair,
      keepDamaged: true,
      references: (image) => objectsOfImage(store.read(image)).flatMap(({ object }) => parseObjectId(object) ?? []),
      report: step,
    }),
  );
  const damage = damageOf(report.problems, deployments, store);
  const boot = kernelsOf(context, store, { deployments, damage }).flatMap((files) => damagedKernelFiles(context.machine.esp, files));
  return { report, damage, boot: [...new Set(boot)] };
}

function repairBoot(context: AgentContext, store: Store, deployments: readonly Deployment[]): string[] {
  return [...new Set(kernelsOf(context, store, { deployments, damage: [] }).flatMap((files) => repairKernel(context.machine.esp, files)))];
}

/** Kernels that boot entries start and whose objects are sound; a staging that was interrupted has none on the ESP. */
function kernelsOf(
  { loader }: AgentContext,
  store: Store,
  { deployments, damage }: { readonly deployments: readonly Deployment[]; readonly damage: readonly Damage[] },
) {
  const damaged = new Set(damage.map(({ object }) => object));
  const entries = new Set(loader.entries().all.map(({ generation }) => generation));
  return deployments.flatMap(({ number, image: { kernel } }) => {
    if (kernel === undefined || !entries.has(number)) return [];
    const sound = [kernel.linux, kernel.initrd].every((object) => store.has(object) && !damaged.has(object));
    return sound ? [{ linux: store.read(kernel.linux), initrd: store.read(kernel.initrd) }] : [];
  });
}

/** The kernel keeps what it opened by the damaged name; dropping what nobody uses makes it look again. proc_sys_vm(5) */
function forgetDamaged({ machine }: AgentContext): void {
  const path = join(machine.root, "proc/sys/vm/drop_caches");
  if (machine.root === "/" && existsSync(path)) writeFileSync(path, "3\n");
}

interface Outcome {
  readonly before: Found;
  readonly now: Found;
  readonly healed: readonly ObjectId[];
  readonly bytes: number;
  readonly failures: Healed["failures"];
  readonly rewritten: readonly string[];
}

function present({ before, now, healed, bytes, failures, rewritten }: Outcome, options: FsckCommandOptions): AgentResult {
  const { report } = before;
  const bootLeft = now.boot.filter((path) => !rewritten.includes(path));
  const first = before.report.repaired;
  const left = now === before ? report.problems.length - first : now.report.problems.length - now.report.repaired;
  const lacking = now.damage.filter(
    ({ object }) => !now.report.problems.some((problem) => "object" in problem && problem.object === object),
  );
  const open = left + lacking.length + bootLeft.length;
  const lines = [
    `${formatCount(report.objects, "object")} and ${formatCount(report.images, "image")}, ${formatBytes(report.bytes)}, were measured.`,
    ...report.problems.slice(0, SHOWN_MAX).map((problem) => `problem: ${problem.kind}: ${problem.path}${reasonOf(problem)}`),
    ...(report.problems.length > SHOWN_MAX ? [`… and ${report.problems.length - SHOWN_MAX} more (--json lists all)`] : []),
    ...before.boot.map((path) => `problem: boot file: ${path} is not what the generation was staged with`),
    ...(healed.length > 0 ? [`${formatCount(healed.length, "object")}, ${formatBytes(bytes)}, fetched again.`] : []),
    ...rewritten.map((path) => `written again: ${path}`),
    ...failures.map(({ source, why }) => `source ${source}: ${why}`),
    ...describeDamage(now.damage),
    open === 0 ? "The store is sound." : `${formatCount(open, "problem")} left; ${adviceFor(now, options)}`,
  ];
  const json = { ...report, boot: before.boot, healed, healedBytes: bytes, rewritten, failures, damage: now.damage, left: open };
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
