/** Checking a store: every object's digest is measured again, and every name leads to something. */
import { existsSync, readlinkSync, rmSync } from "node:fs";
import { messageOf } from "#errors";
import type { Step } from "#report/reporter.ts";
import type { CheckedObject, ObjectProblem } from "./check.ts";
import type { References } from "./collect.ts";
import { imagePath, imageTarget, listImages, listObjects } from "./layout.ts";
import type { ObjectId } from "./object.ts";
import type { Store } from "./store.ts";

export type StoreProblem =
  | (ObjectProblem & { readonly object: ObjectId; readonly path: string })
  /** An image that is no object, or one that needs an object that is not there. */
  | { readonly kind: "missing"; readonly object: ObjectId; readonly path: string; readonly neededBy: ObjectId }
  /** An image whose list of objects cannot be read. */
  | { readonly kind: "image"; readonly object: ObjectId; readonly path: string; readonly reason: string }
  /** Something that no store contains. */
  | { readonly kind: "stray"; readonly path: string };

export interface FsckOptions {
  /**
   * Removes objects with wrong content (they can then be fetched again), images that lead nowhere, and strays; turns
   * missing verity on. Objects that the disk does not give, and those that are missing, stay as they are.
   */
  readonly repair?: boolean;
  /** Leave objects with wrong content and images that lead nowhere where they are: they are to be replaced. */
  readonly keepDamaged?: boolean;
  /** What an image refers to; without it only the image itself is looked for. */
  readonly references?: References;
  readonly report?: Step;
}

export interface FsckReport {
  readonly objects: number;
  /** Bytes of content. */
  readonly bytes: number;
  readonly images: number;
  /** As they were before the repair; empty for a sound store. */
  readonly problems: readonly StoreProblem[];
  /** How many of them are gone now. */
  readonly repaired: number;
}

/** Objects per task of a worker. */
const BATCH = 64;

/**
 * Measures everything.
 * @throws E_STORE_BUSY with `repair`, when others have the store open
 */
export async function fsck(store: Store, options: FsckOptions = {}): Promise<FsckReport> {
  return options.repair === true ? await store.exclusively(() => check(store, options)) : await check(store, options);
}

async function check(store: Store, options: FsckOptions): Promise<FsckReport> {
  const repair = options.repair ?? false;
  const objects = listObjects(store.root);
  const images = listImages(store.root);
  const checked = await checkAll(store, objects.ids, repair, options.report);
  const problems: StoreProblem[] = [
    ...objects.ids.flatMap((object, at) => {
      const problem = checked[at]?.problem;
      return problem === undefined ? [] : [{ ...problem, object, path: store.pathOf(object) }];
    }),
    ...(await checkImages(store, images.ids, options.references)),
    ...[...objects.strays, ...images.strays].map((path) => ({ kind: "stray", path }) as const),
  ];
  return {
    objects: objects.ids.length,
    bytes: checked.reduce((sum, { size }) => sum + size, 0),
    images: images.ids.length,
    problems,
    repaired: repair ? problems.filter((problem) => repaired(problem, options.keepDamaged ?? false)).length : 0,
  };
}

async function checkAll(store: Store, ids: readonly ObjectId[], repair: boolean, report: Step | undefined): Promise<CheckedObject[]> {
  const batches: ObjectId[][] = [];
  for (let at = 0; at < ids.length; at += BATCH) batches.push(ids.slice(at, at + BATCH));
  let done = 0;
  const results = await Promise.all(
    batches.map(async (batch) => {
      const result = await store.check(batch, repair);
      report?.progress((done += batch.length), ids.length, "objects");
      return result;
    }),
  );
  return results.flat();
}

async function checkImages(store: Store, ids: readonly ObjectId[], references: References | undefined): Promise<StoreProblem[]> {
  const problems: StoreProblem[] = [];
  for (const image of ids) {
    const path = imagePath(store.root, image);
    if (readlinkSync(path) !== imageTarget(image)) problems.push({ kind: "stray", path });
    else if (!store.has(image)) problems.push({ kind: "missing", object: image, path, neededBy: image });
    else {
      try {
        for (const object of (await references?.(image)) ?? [])
          if (!store.has(object)) problems.push({ kind: "missing", object, path: store.pathOf(object), neededBy: image });
      } catch (error) {
        problems.push({ kind: "image", object: image, path, reason: messageOf(error) });
      }
    }
  }
  return problems;
}

/** Takes away what only harms; true when the problem is gone. */
function repaired(problem: StoreProblem, keepDamaged: boolean): boolean {
  const damaged = problem.kind === "corrupt" || (problem.kind === "missing" && problem.object === problem.neededBy);
  const removable = problem.kind === "stray" || (damaged && !keepDamaged);
  if (removable) rmSync(problem.path, { recursive: true, force: true });
  return removable ? !existsSync(problem.path) : problem.kind === "unprotected";
}
