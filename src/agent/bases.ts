/** The images that a machine has: what an upgrade may be a difference from. */
import { readAllRecords } from "#deployment/records.ts";
import type { Image } from "#image/image.ts";
import { withManifestPatches } from "#registry/delta/manifest.ts";
import { objectsOf } from "#registry/objects-of.ts";
import type { BaseImage, ReleaseSource } from "#registry/stream.ts";
import type { ObjectId } from "#store/object.ts";
import { withStore } from "./context.ts";
import type { AgentContext } from "./context.ts";

/** Each asks the source once where there is no difference: so many requests for nothing are few enough. */
const BASES_MAX = 4;

export function basesOf(context: AgentContext): BaseImage[] {
  return imagesOf(context).map(({ image, generation }) => ({ image: image.digest, name: `generation ${generation}` }));
}

/** The source, whose manifests come as differences from the lists of what is here. */
export function manifestsFrom(source: ReleaseSource, context: AgentContext): ReleaseSource {
  const images = imagesOf(context).map(({ image }) => ({
    image: image.digest,
    objects: () => withStore(context, async (store) => objectsOf(image, store)),
  }));
  return withManifestPatches(source, images);
}

interface DeployedImage {
  readonly image: Image;
  readonly generation: number;
}

/** The newest generations first: they have most in common with what is new. */
function imagesOf({ machine }: AgentContext): DeployedImage[] {
  const found = new Map<ObjectId, DeployedImage>();
  for (const { image, layers, number } of [...readAllRecords(machine.deployments).deployments].sort((a, b) => b.number - a.number))
    for (const each of layers === undefined ? [image] : [layers.base, image])
      if (!found.has(each.digest)) found.set(each.digest, { image: each, generation: number });
  return [...found.values()].slice(0, BASES_MAX);
}
