/** Looking after the build host's store: which objects are still needed, and whether they are still right. */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { System } from "#config/system.ts";
import { objectsOfImage } from "#formats/erofs/reader.ts";
import type { Lock } from "#lock/lock.ts";
import { collect } from "#store/collect.ts";
import type { Collected } from "#store/collect.ts";
import { fsck } from "#store/fsck.ts";
import type { FsckReport } from "#store/fsck.ts";
import type { ObjectId } from "#store/object.ts";
import { openStore } from "#store/open.ts";
import { listRefs, removeRef } from "#store/refs.ts";
import type { Ref } from "#store/refs.ts";
import type { Store } from "#store/store.ts";
import { parseTree } from "#tree/dump.ts";
import type { Context } from "./context.ts";
import { baseKey } from "./keys.ts";
import type { BuildRecord } from "./record.ts";

export interface CollectOptions {
  /** Images of each system to keep, the last built first; at least 1. */
  readonly keep: number;
  /** Only say what would go. */
  readonly dryRun: boolean;
}

export interface CollectResult extends Collected {
  /** Digests of images that went (or would go). */
  readonly images: readonly string[];
}

/** Forgets old images and removes what nothing needs any more. @throws E_STORE_BUSY, E_STORE_NO_ROOTS, E_STORE_BAD_ROOT */
export async function collectStore(options: CollectOptions, context: Context): Promise<CollectResult> {
  const store = await openStore(context.workspace.store);
  const images: string[] = [];
  try {
    const collected = await context.report.step("collect", (report) =>
      collect(store, { roots: keptRoots(store, options, images), references: referencesIn(store), dryRun: options.dryRun, report }),
    );
    return { ...collected, images };
  } finally {
    await store.close();
  }
}

/** Measures every object again. @throws E_STORE_BUSY with `repair`, when others have the store open */
export async function checkStore(options: { readonly repair: boolean }, context: Context): Promise<FsckReport> {
  const store = await openStore(context.workspace.store);
  try {
    return await context.report.step("check the store", (report) =>
      fsck(store, { repair: options.repair, references: (image) => objectsNamedBy(store, image), report }),
    );
  } finally {
    await store.close();
  }
}

/** Runs when the store is locked: no build can add a reference between the choice and the removal. */
function* keptRoots(store: Store, { keep, dryRun }: CollectOptions, forgotten: string[]): Generator<ObjectId> {
  const forget = (kind: string, names: readonly string[]): void => {
    if (!dryRun) for (const name of names) removeRef(store, kind, name);
  };
  const [kept, old] = chooseImages(store, Math.max(1, keep));
  forgotten.push(...old);
  forget("images", old);
  forget(
    "builds",
    listRefs(store, "builds").flatMap(({ name, value }) => (old.includes((value as { digest: string }).digest) ? [name] : [])),
  );
  const json = (object: ObjectId): unknown => JSON.parse(store.read(object).toString());
  const bases = new Set(kept.map((record) => baseKey(json(record.lock) as Lock, (json(record.system) as System).locale)));
  const initrds = new Set(kept.map((record) => record.image.kernel?.initrd));
  const [goodBases, oldBases] = split(listRefs(store, "bases"), ({ name }) => bases.has(name));
  const [, oldInitrds] = split(listRefs(store, "initrds"), ({ value }) => initrds.has((value as { object: ObjectId }).object));
  forget("bases", oldBases.map(nameOf));
  forget("initrds", oldInitrds.map(nameOf));

  for (const { image, dump, system, lock } of kept) {
    yield* [image.digest, dump, system, lock];
    if (image.kernel !== undefined) yield* [image.kernel.linux, image.kernel.initrd];
  }
  for (const { value } of goodBases) yield (value as { dump: ObjectId }).dump;
}

/** The last built images of each system, and the digests of all others. */
function chooseImages(store: Store, keep: number): [kept: BuildRecord[], old: string[]] {
  const builtAt = ({ name }: Ref): number => statSync(join(store.root, "refs/images", `${name}.json`)).mtimeMs;
  const byName = Map.groupBy(listRefs(store, "images"), ({ value }) => (value as BuildRecord).image.name);
  const groups = [...byName.values()].map((refs) => refs.sort((a, b) => builtAt(b) - builtAt(a)));
  return [
    groups.flatMap((refs) => refs.slice(0, keep).map(({ value }) => value as BuildRecord)),
    groups.flatMap((refs) => refs.slice(keep).map(nameOf)),
  ];
}

/** An image needs the contents of its files, and so does the dump of a base, from which the next image is made. */
function referencesIn(store: Store): (root: ObjectId) => Iterable<ObjectId> {
  const images = new Set(listRefs(store, "images").map(nameOf));
  const bases = new Set(listRefs(store, "bases").map(({ value }) => (value as { dump: string }).dump));
  return (root) => {
    if (images.has(root)) return objectsNamedBy(store, root);
    return bases.has(root) ? contentsOf(store, root) : [];
  };
}

function objectsNamedBy(store: Store, image: ObjectId): ObjectId[] {
  return objectsOfImage(store.read(image)).map(({ object }) => object as ObjectId);
}

function contentsOf(store: Store, dump: ObjectId): ObjectId[] {
  const nodes = parseTree(store.read(dump).toString("latin1")).nodes.values();
  return [...nodes].flatMap((node) => (node.kind === "file" && "object" in node.content ? [node.content.object] : []));
}

const nameOf = ({ name }: Ref): string => name;

function split<T>(items: readonly T[], belongs: (item: T) => boolean): [T[], T[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))];
}
