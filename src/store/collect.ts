/**
 * Collection: removing what nothing refers to.
 *
 *  1. Take the store's lock exclusively: nobody adds, and nobody holds objects that are not referred to yet.
 *  2. Mark every root, and what each root refers to. One that cannot be read ends the collection before anything is
 *     removed, and so do no roots at all: both are far more often a mistake than the truth.
 *  3. Remove images that are not marked, then objects that are not marked. A stop in between leaves a sound store.
 */
import { lstatSync, rmSync } from "node:fs";
import { AshlarError, messageOf } from "#errors";
import type { Step } from "#report/reporter.ts";
import type { StoreErrorCode } from "./errors.ts";
import { imagePath, listImages, listObjects } from "./layout.ts";
import type { ObjectId } from "./object.ts";
import type { Store } from "./store.ts";

/** What an object refers to (an image to the contents of its files); nothing for plain content. */
export type References = (root: ObjectId) => Iterable<ObjectId> | Promise<Iterable<ObjectId>>;

export interface CollectOptions {
  /** Read once the lock is held. A generator that reads references therefore cannot miss one that is being written. */
  readonly roots: Iterable<ObjectId>;
  readonly references?: References;
  /** Counts, removes nothing. */
  readonly dryRun?: boolean;
  readonly report?: Step;
}

export interface Collected {
  /** Objects. */
  readonly removed: number;
  /** Bytes of their contents. */
  readonly bytes: number;
  readonly kept: number;
}

/**
 * Removes every object that no root needs.
 * @throws E_STORE_BUSY, E_STORE_NO_ROOTS, E_STORE_BAD_ROOT; nothing has been removed then
 */
export async function collect(store: Store, options: CollectOptions): Promise<Collected> {
  const work = async (): Promise<Collected> => {
    const marked = await mark(store, options);
    const unmarked = listObjects(store.root).ids.filter((object) => !marked.has(object));
    if (options.dryRun !== true)
      for (const image of listImages(store.root).ids) if (!marked.has(image)) rmSync(imagePath(store.root, image), { force: true });
    let bytes = 0;
    for (const [at, object] of unmarked.entries()) {
      bytes += lstatSync(store.pathOf(object)).size;
      if (options.dryRun !== true) rmSync(store.pathOf(object), { force: true });
      options.report?.progress(at + 1, unmarked.length, "objects");
    }
    return { removed: unmarked.length, bytes, kept: listObjects(store.root).ids.length - (options.dryRun === true ? unmarked.length : 0) };
  };
  // Only looking needs no lock, and works on a store that cannot be written.
  return options.dryRun === true ? work() : store.exclusively(work);
}

async function mark(store: Store, options: CollectOptions): Promise<Set<ObjectId>> {
  const roots = new Set(options.roots);
  if (roots.size === 0)
    throw new AshlarError<StoreErrorCode>(
      "E_STORE_NO_ROOTS",
      `nothing in the store ${store.root} is referred to, so that everything would be removed`,
      {
        hint: "if that is meant, remove the folder itself",
        details: { root: store.root },
      },
    );
  const marked = new Set(roots);
  for (const root of roots) {
    if (!store.has(root)) throw badRoot(store, root, "it is not in the store");
    try {
      for (const object of (await options.references?.(root)) ?? []) marked.add(object);
    } catch (cause) {
      throw badRoot(store, root, messageOf(cause), cause);
    }
  }
  return marked;
}

function badRoot(store: Store, root: ObjectId, why: string, cause?: unknown): AshlarError<StoreErrorCode> {
  return new AshlarError("E_STORE_BAD_ROOT", `cannot collect ${store.root}: what ${root} needs is unknown: ${why}`, {
    cause,
    hint: "run `ashlar fsck`, or remove the generation that refers to it",
    details: { root: store.root, object: root },
  });
}
