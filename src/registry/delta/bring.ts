/**
 * Objects by a difference from an image that the machine has, and by packs; what neither can bring is fetched whole. Nothing
 * here can make an upgrade fail that whole objects could do: whatever is wrong is said, and left to them.
 */
import { AshlarError, messageOf } from "#errors";
import { DeltaError } from "#formats/delta/errors.ts";
import type { ObjectId } from "#store/object.ts";
import type { ReleaseObject } from "../release.ts";
import { readFrom } from "../stream.ts";
import type { BringOptions, ReleaseSource } from "../stream.ts";
import { INDEX_MAX, parseIndex } from "./index-file.ts";
import type { DeltaIndex } from "./index-file.ts";
import { deltaFiles, oldObjects, packFiles } from "./layout.ts";
import { planDelta } from "./plan.ts";
import { receive } from "./receive.ts";

/** Below this, packs cannot save more than their index costs. */
const PACKS_MIN = 8;

/** @returns the objects that have to be fetched one by one */
export async function bringByDelta(
  source: ReleaseSource,
  missing: readonly ReleaseObject[],
  options: BringOptions,
): Promise<readonly ReleaseObject[]> {
  const { image } = options;
  if (image === undefined) return missing;
  let left = missing;
  for (const { image: from, name } of options.bases ?? []) {
    if (left.length === 0 || from === image || !options.store.has(from)) continue;
    const brought = await attempt(source, left, { ...options, path: deltaFiles(image, from).index, from, name });
    if (brought === undefined) continue;
    left = left.filter(({ object }) => !brought.has(object));
    break;
  }
  if (left.length < PACKS_MIN) return left;
  const brought = await attempt(source, left, { ...options, path: packFiles(image).index });
  return brought === undefined ? left : left.filter(({ object }) => !brought.has(object));
}

interface Attempt extends BringOptions {
  /** Of the index. */
  readonly path: string;
  readonly from?: ObjectId;
  readonly name?: string;
}

/** @returns what came; undefined when there is no such difference */
async function attempt(
  source: ReleaseSource,
  missing: readonly ReleaseObject[],
  given: Attempt,
): Promise<ReadonlySet<ObjectId> | undefined> {
  const { path, from, store, release, onBytes, onNote = () => {}, onWire = () => {} } = given;
  const came = new Set<ObjectId>();
  try {
    const bytes = await readFrom(source, path, INDEX_MAX, given.signal);
    if (bytes === undefined) return undefined;
    onWire(bytes.length);
    const index = parseIndex(bytes);
    if (index.from !== from) throw new DeltaError("it is for another image");
    const bases = basesHere(index, given);
    const plan = planDelta({ index, release, missing: new Set(missing.map(({ object }) => object)), bases });
    if (plan.objects.size === 0) return came;
    given.onPlan?.({ objects: plan.objects.size, bytes: plan.size, ...(given.name === undefined ? {} : { from: given.name }) });
    const { objects, failed } = await receive(source, {
      index,
      plan,
      release,
      bases,
      store,
      onBytes,
      onWire,
      ...(given.signal === undefined ? {} : { signal: given.signal }),
    });
    for (const object of objects) came.add(object);
    if (failed !== undefined) onNote(`${failed}; ${plan.objects.size - came.size} objects are fetched whole instead`);
    return came;
  } catch (error) {
    if (!(error instanceof DeltaError || error instanceof AshlarError) || given.signal?.aborted === true) throw error;
    onNote(`${path} cannot be used: ${messageOf(error)}; whole objects are fetched instead`);
    return new Set(missing.map(({ object }) => object).filter((object) => store.has(object)));
  }
}

function basesHere({ from, extra }: DeltaIndex, { store }: Attempt): (ObjectId | undefined)[] {
  if (from === undefined) return [];
  return oldObjects(store.read(from), from, extra).map((object) => (store.has(object) ? object : undefined));
}
