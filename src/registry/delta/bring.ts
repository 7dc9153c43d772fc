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
import { waysHere } from "./inside.ts";
import { deltaFiles, oldObjects, packFiles } from "./layout.ts";
import { dropPartials, findPartials } from "./partial.ts";
import type { Partials } from "./partial.ts";
import { planDelta } from "./plan.ts";
import type { DeltaPlan } from "./plan.ts";
import { receive } from "./receive.ts";

/** Below this, packs cannot save more than their index costs. */
const PACKS_MIN = 8;

/** @returns the objects that have to be fetched one by one */
export async function bringByDelta(
  source: ReleaseSource,
  missing: readonly ReleaseObject[],
  options: BringOptions,
): Promise<readonly ReleaseObject[]> {
  return inTurn(missing, options, (left, how) => attempt(source, left, { ...options, ...how }));
}

/** Bytes that an upgrade takes from a source. */
export interface Estimate {
  /** On the wire; of objects that would be fetched alone, their uncompressed size. */
  readonly bytes: number;
  /** Nothing is fetched alone, so that it will be just so many. */
  readonly exact: boolean;
}

/** What {@link bringByDelta} and the rest would take. Reads the indexes, and nothing else. */
export async function estimate(
  source: ReleaseSource,
  missing: readonly ReleaseObject[],
  options: Omit<BringOptions, "onBytes">,
): Promise<Estimate> {
  let bytes = 0;
  const left = await inTurn(missing, options, async (wanted, how) => {
    try {
      const found = await prepare(source, wanted, { ...options, ...how });
      bytes += found === undefined ? 0 : found.read + found.plan.size;
      return found?.plan.objects;
    } catch (error) {
      if (!isHarmless(error, options.signal)) throw error;
      return new Set();
    }
  });
  return { bytes: left.reduce((sum, { size }) => sum + size, bytes), exact: left.length === 0 };
}

/** Where a difference or packs are looked for. */
interface How {
  /** Of the index. */
  readonly path: string;
  readonly from?: ObjectId;
  readonly name?: string;
}

type Bringer = (left: readonly ReleaseObject[], how: How) => Promise<ReadonlySet<ObjectId> | undefined>;

/** A difference from the best image that there is one from, then packs. @returns what neither brings */
async function inTurn(
  missing: readonly ReleaseObject[],
  { image, bases = [], store }: Pick<BringOptions, "image" | "bases" | "store">,
  bring: Bringer,
): Promise<readonly ReleaseObject[]> {
  if (image === undefined) return missing;
  const without = (list: readonly ReleaseObject[], brought: ReadonlySet<ObjectId>): readonly ReleaseObject[] =>
    list.filter(({ object }) => !brought.has(object));
  let left = missing;
  for (const { image: from, name } of bases) {
    if (left.length === 0 || from === image || !store.has(from)) continue;
    const brought = await bring(left, { path: deltaFiles(image, from).index, from, name });
    if (brought === undefined) continue;
    left = without(left, brought);
    break;
  }
  if (left.length < PACKS_MIN) return left;
  const brought = await bring(left, { path: packFiles(image).index });
  return brought === undefined ? left : without(left, brought);
}

interface Prepared {
  readonly index: DeltaIndex;
  readonly bases: readonly (ObjectId | undefined)[];
  readonly partials: Partials;
  readonly plan: DeltaPlan;
  /** Bytes of the index. */
  readonly read: number;
}

/** @returns undefined when there is no such difference @throws DeltaError, what the source throws */
async function prepare(
  source: ReleaseSource,
  missing: readonly ReleaseObject[],
  { path, from, store, release, onWire, signal }: How & Omit<BringOptions, "onBytes">,
): Promise<Prepared | undefined> {
  const bytes = await readFrom(source, path, INDEX_MAX, signal);
  if (bytes === undefined) return undefined;
  onWire?.(bytes.length);
  const index = parseIndex(bytes);
  if (index.from !== from) throw new DeltaError("it is for another image");
  const bases = from === undefined ? [] : oldObjects(store.read(from), from, index.extra).map((id) => (store.has(id) ? id : undefined));
  const partials = findPartials(index, release, store);
  const ways = await waysHere(index.packed.map(({ how }) => how));
  const plan = planDelta({ index, release, missing: new Set(missing.map(({ object }) => object)), bases, partials, ways });
  return { index, bases, partials, plan, read: bytes.length };
}

/** @returns what came; undefined when there is no such difference */
async function attempt(
  source: ReleaseSource,
  missing: readonly ReleaseObject[],
  given: How & BringOptions,
): Promise<ReadonlySet<ObjectId> | undefined> {
  const { path, name, store, release, signal, onBytes, onNote = () => {}, onWire = () => {} } = given;
  const came = new Set<ObjectId>();
  try {
    const found = await prepare(source, missing, given);
    if (found === undefined) return undefined;
    const { plan } = found;
    if (plan.objects.size === 0) return came;
    given.onPlan?.({ objects: plan.objects.size, bytes: plan.size, ...(name === undefined ? {} : { from: name }) });
    const receiving = { ...found, release, store, onBytes, onWire, ...(signal === undefined ? {} : { signal }) };
    const { objects, failed } = await receive(source, receiving);
    for (const object of objects) came.add(object);
    if (failed !== undefined) onNote(`${failed}; ${plan.objects.size - came.size} objects are fetched whole instead`);
    return came;
  } catch (error) {
    if (!isHarmless(error, signal)) throw error;
    // What it made so far led nowhere.
    if (error instanceof DeltaError)
      dropPartials(
        store,
        missing.map(({ object }) => object),
      );
    onNote(`${path} cannot be used: ${messageOf(error)}; whole objects are fetched instead`);
    return new Set(missing.map(({ object }) => object).filter((object) => store.has(object)));
  }
}

/** Whole objects make up for it. */
function isHarmless(error: unknown, signal: AbortSignal | undefined): boolean {
  return (error instanceof DeltaError || error instanceof AshlarError) && signal?.aborted !== true;
}
