/**
 * Healing a store: exactly what is damaged is fetched again, kept only under the digest that it has, and put in place of
 * the damaged object in one step. Nothing is removed meanwhile: most of a damaged file can still be read.
 */
import { readFileSync } from "node:fs";
import type { Deployment } from "#deployment/deployment.ts";
import { AshlarError, messageOf } from "#errors";
import { fetchObjects } from "#registry/fetch-objects.ts";
import { MANIFEST_MAX, parseRelease } from "#registry/release.ts";
import type { ReleaseObject } from "#registry/release.ts";
import { openSource } from "#registry/source.ts";
import { readFrom } from "#registry/stream.ts";
import type { ReleaseSource } from "#registry/stream.ts";
import type { Step } from "#report/reporter.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import type { Damage } from "./damage.ts";

export interface Healed {
  readonly objects: readonly ObjectId[];
  /** Bytes, uncompressed. */
  readonly bytes: number;
  /** Why a source did not help, by its address. */
  readonly failures: readonly { readonly source: string; readonly why: string }[];
}

const MANIFEST = /\/releases\/\d+\.json$/;

/** Where a generation's objects may be had: what was named, what this machine follows, and where each generation came from. */
export function healingSources(named: string | undefined, followed: readonly string[], deployments: readonly Deployment[]): string[] {
  const origins = deployments.flatMap(({ origin }) => (MANIFEST.test(origin) ? [origin.replace(MANIFEST, "")] : []));
  return [...new Set([named, ...followed, ...origins.toReversed()].flatMap((address) => address ?? []))];
}

/** Asks one source after the other until nothing is damaged. */
export async function heal(
  damage: readonly Damage[],
  {
    sources,
    deployments,
    store,
    step,
  }: { readonly sources: readonly string[]; readonly deployments: readonly Deployment[]; readonly store: Store; readonly step: Step },
): Promise<Healed> {
  const healed: ReleaseObject[] = [];
  const failures: { source: string; why: string }[] = [];
  for (const address of sources) {
    const left = damage.filter(({ object }) => !healed.some((each) => each.object === object));
    if (left.length === 0) break;
    try {
      const source = openSource(address);
      const sizes = left.some(({ size }) => size === undefined) ? await sizesAt(source, deployments) : new Map<ObjectId, number>();
      for (const { object, size = sizes.get(object) } of left) {
        if (size === undefined) continue;
        await fetchObjects(source, [{ object, size }], replacing(store), step);
        healed.push({ object, size });
      }
    } catch (error) {
      if (!(error instanceof AshlarError)) throw error;
      failures.push({ source: address, why: messageOf(error) });
    }
  }
  store.flush();
  return { objects: healed.map(({ object }) => object), bytes: healed.reduce((sum, { size }) => sum + size, 0), failures };
}

/** Sizes of images, kernels and initrds, from the manifests that generations came from; digests decide what is kept, not these. */
async function sizesAt(source: ReleaseSource, deployments: readonly Deployment[]): Promise<Map<ObjectId, number>> {
  const sizes = new Map<ObjectId, number>();
  const sequences = new Set(deployments.flatMap(({ sequence }) => sequence ?? []));
  for (const sequence of sequences) {
    const path = `releases/${sequence}.json`;
    const manifest = await readFrom(source, path, MANIFEST_MAX);
    if (manifest === undefined) continue;
    for (const { object, size } of parseRelease(manifest, `${source.address}/${path}`).objects) sizes.set(object, size);
  }
  return sizes;
}

/** The store as one that has nothing, so that what is fetched takes the place of what is there. */
function replacing(store: Store): Store {
  return {
    ...store,
    has: () => false,
    add: (content) => store.replace(content),
    addFiles: async (files) => files.map(({ path, size }) => ({ object: store.replace(readFileSync(path)), size })),
  };
}
