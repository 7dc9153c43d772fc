/**
 * Collecting generations that are no longer needed, and then the objects that no generation needs.
 *
 * The order is entry → record → kernel → objects, never the reverse: whatever moment it ends at, every entry that is left
 * can start. Nothing is removed when something that refers to objects cannot be read.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { AshlarError } from "#errors";
import { objectsOfImage } from "#formats/erofs/reader.ts";
import { verityDigest } from "#formats/fsverity.ts";
import { collect as collectObjects } from "#store/collect.ts";
import { parseObjectId } from "#store/object.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import { removeUnfinished } from "#sys/atomic.ts";
import type { DeploymentErrorCode } from "./errors.ts";
import { generationsOf } from "./generations.ts";
import type { Generation } from "./generations.ts";
import type { Entries, Loader } from "./loader.ts";
import type { Machine } from "./machine.ts";
import { retained } from "./retention.ts";
import type { RetentionRules } from "./retention.ts";
import { objectsOfLayers } from "./layers.ts";
import { prunePast, readAllRecords, retireRecord } from "./records.ts";
import type { Past } from "./records.ts";
import { transition } from "./trial.ts";
import { readTrials } from "./trials.ts";

export interface CollectOptions {
  /** Newest startable generations to keep besides those that are always kept; that of the rules when absent, or 2. */
  readonly keep?: number;
  /** What the config says of them; no age and no installed generation when absent. */
  readonly rules?: RetentionRules;
  /** Say what would go, and remove nothing. */
  readonly dryRun?: boolean;
  /** What is being staged at the same time: its objects, and its generation if it has one. */
  readonly staging?: { readonly image: ObjectId; readonly objects: Iterable<ObjectId> };
}

export interface CollectResult {
  readonly kept: readonly { readonly generation: number; readonly why: string }[];
  readonly removed: readonly number[];
  readonly objects: number;
  /** Bytes. */
  readonly bytes: number;
}

const DEFAULT_RULES: RetentionRules = { count: 2, installed: false, now: 0 };

/**
 * Hold the machine's lock.
 * @throws E_DEPLOYMENT_UNREADABLE, E_COLLECT_ROOTS; E_STORE_BUSY, E_STORE_BAD_ROOT
 */
export async function collect(
  context: { readonly machine: Machine; readonly loader: Loader; readonly store: Store },
  options: CollectOptions = {},
): Promise<CollectResult> {
  const { machine, loader, store } = context;
  const records = readAllRecords(machine.deployments);
  const entries = loader.entries();
  refuseUnknown(machine, entries);
  const generations = generationsOf(machine, records, entries);
  const rules = options.rules ?? DEFAULT_RULES;
  const kept = retained(
    generations,
    { ...rules, count: options.keep ?? rules.count },
    { staging: options.staging?.image, recovery: entries.recovery.map(({ generation }) => generation) },
  );
  const doomed = generations.filter(({ number }) => !kept.has(number));
  // Read before anything is removed: an image that cannot be read stops here.
  const staying = generations.filter(({ number }) => kept.has(number));
  const roots = rootsOf(staying, entries, doomed, machine, store);
  for (const object of options.staging?.objects ?? []) if (store.has(object)) roots.add(object);
  if (options.dryRun !== true)
    for (const generation of doomed) {
      loader.remove(generation.number);
      retireRecord(machine.deployments, generation.number, pastOf(machine, generation));
    }
  if (options.dryRun !== true) {
    loader.prune();
    prunePast(machine.deployments);
    for (const folder of [machine.deployments, join(machine.sysroot, "ashlar")]) removeUnfinished(folder);
  }
  const { removed, bytes } = await collectObjects(store, { roots, dryRun: options.dryRun ?? false });
  return {
    kept: [...kept].map(([generation, why]) => ({ generation, why })),
    removed: doomed.map(({ number }) => number),
    objects: removed,
    bytes,
  };
}

/** A bad one must stay known. On a full disk its verdict may not be in the journal yet; then the record's name keeps it. */
function pastOf(machine: Machine, { state, entry, deployment }: Generation): Past {
  const denies = state !== undefined && entry !== undefined && transition(state, "collect").effects.includes("deny");
  const known = readTrials(machine).trials.denied.some(({ image }) => image === deployment.image.digest);
  return denies && !known ? "failed" : "removed";
}

function refuseUnknown(machine: Machine, entries: Entries): void {
  const [problem] = entries.problems;
  if (problem === undefined) return;
  throw new AshlarError<DeploymentErrorCode>("E_COLLECT_ROOTS", `a boot entry cannot be read, so what it needs is not known: ${problem}`, {
    hint: `remove or repair it in ${machine.esp}/loader/entries; nothing was removed`,
    details: { problem },
  });
}

/** What must stay: all that staying generations and entries name, and what runs, even if its record is gone. */
function rootsOf(
  staying: readonly Generation[],
  entries: Entries,
  doomed: readonly Generation[],
  machine: Machine,
  store: Store,
): Set<ObjectId> {
  const goes = new Set(doomed.map(({ number }) => number));
  const images = new Set<ObjectId>();
  const roots = new Set<ObjectId>();
  for (const { deployment } of staying) {
    images.add(deployment.image.digest);
    const { kernel } = deployment.image;
    if (kernel !== undefined) for (const file of [kernel.linux, kernel.initrd]) roots.add(file);
    // What its image was derived from: with the next base it is done again.
    const { layers } = deployment;
    if (layers === undefined) continue;
    images.add(layers.base.digest);
    for (const object of objectsOfLayers(layers, store)) roots.add(object);
  }
  for (const { generation, digest } of entries.all) if (!goes.has(generation)) images.add(digest);
  for (const { digest } of entries.recovery) images.add(digest);
  if (machine.booted !== undefined) images.add(machine.booted.digest);
  for (const image of images) for (const object of objectsFor(image, machine, store)) roots.add(object);
  // A staged generation whose kernel never arrived has nothing to keep.
  return new Set([...roots].filter((object) => images.has(object) || existsSync(store.pathOf(object))));
}

function objectsFor(image: ObjectId, machine: Machine, store: Store): ObjectId[] {
  const unknown = (what: string): AshlarError<DeploymentErrorCode> =>
    new AshlarError("E_COLLECT_ROOTS", `image ${image} of a generation is ${what} ${machine.store}`, {
      hint: "`ashlar fsck` lists what is damaged, `ashlar upgrade` brings a whole generation; nothing was removed",
      details: { image },
    });
  if (!store.has(image)) throw unknown("missing from");
  // A list of objects with one wrong letter would have a needed one removed.
  const content = store.read(image);
  if (verityDigest(content) !== image) throw unknown("damaged in");
  const external = objectsOfImage(content).flatMap(({ object }) => parseObjectId(object) ?? []);
  return [image, ...external];
}
