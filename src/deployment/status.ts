/** What a machine is, does, and will do; for people, scripts and a fleet. Works on a full disk and for ordinary users. */
import { statfsSync } from "node:fs";
import { hasErrno } from "#errors";
import { bootIdOf } from "./boot-id.ts";
import type { Deployment } from "./deployment.ts";
import { generationsOf } from "./generations.ts";
import type { Generation, Trial } from "./generations.ts";
import { layerNames } from "./layers.ts";
import type { Entries, Loader } from "./loader.ts";
import type { Machine, RunningImage } from "./machine.ts";
import { readRecords } from "./records.ts";
import type { Records } from "./records.ts";
import { readTrials } from "./trials.ts";
import type { ReadTrials } from "./trials.ts";
import { generationNumberOf } from "./running.ts";

export interface GenerationStatus {
  readonly generation: number;
  readonly digest: string;
  readonly trial: Trial;
  readonly triesLeft?: number;
  readonly booted: boolean;
  /** Programs see it: it was booted, or applied since. */
  readonly running: boolean;
  readonly next: boolean;
  readonly pinned: boolean;
  /** Of the release. */
  readonly sequence?: number;
  readonly origin: string;
  /** Nobody vouched for it. */
  readonly unsigned?: true;
  readonly kernel?: string;
  /** Names of what was added on this machine. */
  readonly layers?: readonly string[];
  /** Of a generation that this machine composed of two others. */
  readonly composedFrom?: Deployment["composedFrom"];
  /** Seconds since 1970. */
  readonly created: number;
}

export interface Space {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly free: number;
}

export interface MachineStatus {
  /** Undefined on a computer that Ashlar did not start. */
  readonly booted: { readonly generation: number | undefined; readonly digest: string } | undefined;
  /** What programs see; another one than `booted` when it was applied to the running system. */
  readonly running: { readonly generation: number | undefined; readonly digest: string } | undefined;
  /** Undefined when the ESP may not be read (see `complete`). */
  readonly next: { readonly generation: number } | undefined;
  readonly generations: readonly GenerationStatus[];
  readonly space: readonly Space[];
  /** Why what runs does not pass its probes and stays nevertheless, in one line. */
  readonly degraded?: string;
  /** False when only root may see all of it. */
  readonly complete: boolean;
  readonly problems: readonly string[];
}

export function statusOf(machine: Machine, loader: Loader): MachineStatus {
  const records = readRecords(machine.deployments);
  const entries = ifAllowed(() => loader.entries());
  const trials = ifAllowed(() => readTrials(machine));
  const generations = generationsOf(machine, records, entries);
  const numbered = (image: RunningImage | undefined): MachineStatus["booted"] =>
    image && { generation: generationNumberOf(image, records), digest: image.digest };
  const running = numbered(machine.running);
  return {
    booted: numbered(machine.booted),
    running,
    next: entries?.next === undefined ? undefined : { generation: entries.next },
    generations: generations.map((generation) => describe(generation, generation.number === running?.generation)),
    space: [machine.sysroot, ...(entries === undefined ? [] : [machine.esp])].flatMap(spaceOf),
    ...degradedOf(machine, trials),
    complete: entries !== undefined,
    problems: [
      ...problemsOf(records, entries, generations),
      ...(trials?.problem === undefined ? [] : [trials.problem]),
      ...failuresOf(generations, trials),
    ],
  };
}

function describe({ number, deployment, entry, trial, booted, next }: Generation, running: boolean): GenerationStatus {
  return {
    generation: number,
    digest: deployment.image.digest,
    trial,
    ...(entry?.tries === undefined ? {} : { triesLeft: entry.tries.left }),
    booted,
    running,
    next,
    pinned: deployment.pinned,
    ...(deployment.sequence === undefined ? {} : { sequence: deployment.sequence }),
    origin: deployment.origin,
    ...(deployment.unsigned === undefined ? {} : { unsigned: deployment.unsigned }),
    ...(deployment.image.kernel === undefined ? {} : { kernel: deployment.image.kernel.version }),
    ...(deployment.composedFrom === undefined ? {} : { composedFrom: deployment.composedFrom }),
    ...(deployment.layers === undefined ? {} : { layers: layerNames(deployment.layers.set) }),
    created: deployment.created,
  };
}

/** Everybody may read the ESP as Ashlar mounts it; somebody may have mounted it for root alone. Verdicts are for root. */
function ifAllowed<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (hasErrno(error, "EACCES") || hasErrno(error, "EPERM")) return undefined;
    throw error;
  }
}

function spaceOf(path: string): Space[] {
  try {
    const { blocks, bavail, bsize } = statfsSync(path);
    return [{ path, size: blocks * bsize, free: bavail * bsize }];
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "EACCES")) return [];
    throw error;
  }
}

function problemsOf(records: Records, entries: Entries | undefined, generations: readonly Generation[]): string[] {
  return [
    ...records.unreadable.map(({ path, why }) => `${path} cannot be read: ${why}`),
    ...(entries?.problems ?? []),
    ...generations
      .filter(({ state, booted }) => state?.is === "trying" && state.left === 0 && booted)
      .map(
        ({ number }) => `generation ${number} runs on its last try and is not marked good yet; \`journalctl -u ashlar-health\` says more`,
      ),
    ...generations
      .filter(({ deployment, booted, next }) => deployment.unsigned === true && (booted || next))
      .map(({ number }) => `generation ${number} is of a release that nobody vouched for (--unsafe-unsigned)`),
    ...(generations.find(({ next }) => next)?.deployment.layers?.quarantined ?? []).map(
      ({ layer, why }) => `layer ${layer} is left out of the next generation: ${why}`,
    ),
    ...(entries?.all ?? [])
      .filter(({ generation }) => !generations.some(({ number }) => number === generation))
      .map(({ generation }) => `boot entry ${generation} has no record`),
  ];
}

/** Generations that are here and bad, and the last one that was collected when what runs is older: each in one line. */
function failuresOf(generations: readonly Generation[], trials: ReadTrials | undefined): string[] {
  const denied = trials?.trials.denied ?? [];
  const bad = generations.filter(({ state, entry }) => state?.is === "bad" && entry !== undefined).map(({ number }) => number);
  const runs = generations.find(({ booted }) => booted)?.number ?? 0;
  const last = denied.at(-1)?.generation ?? 0;
  return [...bad, ...(last > runs && !bad.includes(last) ? [last] : [])].map((number) => {
    const reason = denied.find(({ generation }) => generation === number)?.reason;
    return `generation ${number} failed its trial${reason === undefined ? "" : `: ${reason}`}; \`ashlar why-failed ${number}\` says more`;
  });
}

function degradedOf(machine: Machine, trials: ReadTrials | undefined): { degraded?: string } {
  const degraded = trials?.trials.degraded;
  if (degraded === undefined || degraded.boot !== bootIdOf(machine)) return {};
  const failed = degraded.probes.map(({ name, reason }) => `${name}: ${reason}`).join("; ");
  const also = trials?.trials.denied.findLast(({ alsoFailed }) => alsoFailed === degraded.generation);
  if (also !== undefined) return { degraded: `not the image: ${failed}, as in generation ${also.generation}` };
  return { degraded: degraded.alone ? `no good generation is left${failed === "" ? "" : `: ${failed}`}` : failed };
}
