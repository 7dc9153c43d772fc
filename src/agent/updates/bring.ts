/** Objects of a release into the store: from neighbours first, then from each source that has the release until one brings the rest. */
import { messageOf } from "#errors";
import { estimate } from "#registry/delta/bring.ts";
import type { Estimate } from "#registry/delta/bring.ts";
import { fetchObjects } from "#registry/fetch-objects.ts";
import type { Fetched } from "#registry/fetch-objects.ts";
import { paced } from "#registry/paced.ts";
import type { ReleaseObject } from "#registry/release.ts";
import type { BaseImage, ReleaseSource } from "#registry/stream.ts";
import type { Step } from "#report/reporter.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import { fetchFromNeighbours } from "./neighbours.ts";
import type { FromNeighbours } from "./neighbours.ts";
import { asFailure } from "./newest.ts";
import type { PassedOver } from "./newest.ts";

export interface Bringing {
  readonly image: ObjectId;
  /** What a difference may be from. */
  readonly bases: readonly BaseImage[];
  /** Those that have the release, in order. */
  readonly sources: readonly ReleaseSource[];
  /** Addresses. */
  readonly neighbours: readonly string[];
  /** Grows with everything that did not help. */
  readonly passed: PassedOver[];
  /** Grows with everything that sent something. */
  readonly served: string[];
}

/** A mirror that sends less than this for so long is left when there is another one. */
const PACE = { rate: 8 * 1024, grace: 30_000 };

/** How many of these objects, and bytes (uncompressed), are not here. */
export function missingOf(objects: readonly ReleaseObject[], store: Store): { readonly objects: number; readonly bytes: number } {
  const missing = objects.filter(({ object }) => !store.has(object));
  return { objects: missing.length, bytes: missing.reduce((sum, { size }) => sum + size, 0) };
}

/** What would travel if no neighbour helps; undefined when the first source does not say. */
export async function estimateWire(
  { image, bases, sources: [source] }: Pick<Bringing, "image" | "bases" | "sources">,
  objects: readonly ReleaseObject[],
  store: Store,
): Promise<Estimate | undefined> {
  if (source === undefined) return undefined;
  const missing = objects.filter(({ object }) => !store.has(object));
  return estimate(source, missing, { store, release: objects, image, bases });
}

/** @throws what the last source throws; what has arrived by then stays */
export async function bringObjects(bringing: Bringing, objects: readonly ReleaseObject[], store: Store, step: Step): Promise<Fetched> {
  const missing = missingOf(objects, store);
  const { image, bases, sources, neighbours, passed, served } = bringing;
  const near = missing.objects === 0 ? NOTHING : await fetchFromNeighbours(neighbours, { image, objects }, store, step);
  passed.push(...near.passed);
  served.push(...near.served);
  const total = { ...missing, wire: near.wire };
  for (const [at, source] of sources.entries()) {
    if (missingOf(objects, store).objects === 0) break;
    try {
      const { wire } = await fetchObjects(at === sources.length - 1 ? source : paced(source, PACE), objects, store, step, { image, bases });
      served.push(source.address);
      return { ...total, wire: total.wire + wire };
    } catch (error) {
      if (at === sources.length - 1) throw error;
      const why = messageOf(asFailure(error));
      passed.push({ address: source.address, why });
      step.note("warning", `${source.address} failed, the next source goes on: ${why}`);
    }
  }
  return total;
}

const NOTHING: FromNeighbours = { served: [], passed: [], wire: 0 };
