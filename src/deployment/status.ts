/** What a machine is, does, and will do; for people, scripts and a fleet. Works on a full disk and for ordinary users. */
import { statfsSync } from "node:fs";
import { hasErrno } from "#errors";
import { generationsOf } from "./generations.ts";
import type { Generation, Trial } from "./generations.ts";
import type { Entries, Loader } from "./loader.ts";
import type { Machine, RunningImage } from "./machine.ts";
import { readRecords } from "./records.ts";
import type { Records } from "./records.ts";
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
  readonly kernel?: string;
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
  /** False when only root may see all of it. */
  readonly complete: boolean;
  readonly problems: readonly string[];
}

export function statusOf(machine: Machine, loader: Loader): MachineStatus {
  const records = readRecords(machine.deployments);
  const entries = entriesIfAllowed(loader);
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
    complete: entries !== undefined,
    problems: problemsOf(records, entries, generations),
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
    ...(deployment.image.kernel === undefined ? {} : { kernel: deployment.image.kernel.version }),
    created: deployment.created,
  };
}

/** Everybody may read the ESP as Ashlar mounts it; somebody may have mounted it for root alone. */
function entriesIfAllowed(loader: Loader): Entries | undefined {
  try {
    return loader.entries();
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
      .filter(({ trial }) => trial === "failed")
      .map(({ number, booted }) =>
        booted
          ? `generation ${number} runs on its last try and is not marked good yet; \`journalctl -u ashlar-health\` says more`
          : `generation ${number} failed its trial; \`journalctl -u ashlar-health\` says why`,
      ),
    ...(entries?.all ?? [])
      .filter(({ generation }) => !generations.some(({ number }) => number === generation))
      .map(({ generation }) => `boot entry ${generation} has no record`),
  ];
}
