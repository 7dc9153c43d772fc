/** A derived image becomes a generation like a fetched one; all that it needs is in the store. */
import type { StageResult } from "#deployment/stage.ts";
import { stage } from "#deployment/stage.ts";
import { objectsOfLayers } from "#deployment/layers.ts";
import { objectsOfImage } from "#formats/erofs/reader.ts";
import type { Image } from "#image/image.ts";
import type { ReleaseObject } from "#registry/release.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import { makeRoom } from "./collecting.ts";
import type { AgentContext } from "./context.ts";
import type { Layered } from "./layers.ts";

export interface StageOrigin {
  readonly origin: string;
  readonly sequence?: number;
  readonly unsigned?: true;
  readonly retry?: boolean;
}

/** Hold the machine's lock. @throws as `stage` of the deployment stage does */
export async function stageLayered(
  { image, layers }: Layered,
  from: StageOrigin,
  store: Store,
  context: AgentContext,
): Promise<StageResult> {
  const { machine, loader, report } = context;
  const objects = objectsFor(image, store);
  const kept = [
    ...objects.map(({ object }) => object),
    ...(layers === undefined ? [] : [...objectsFor(layers.base, store).map(({ object }) => object), ...objectsOfLayers(layers, store)]),
  ];
  return stage(
    {
      image,
      objects,
      ...from,
      ...(layers === undefined ? {} : { layers }),
      now: context.now(),
      makeRoom: () => makeRoom(context, store, { image: image.digest, objects: kept }),
      bring: async () => ({ objects: 0, bytes: 0, wire: 0 }),
    },
    { machine, loader, store, report },
  );
}

function objectsFor(image: Image, store: Store): ReleaseObject[] {
  const { kernel } = image;
  const single = (object: ObjectId): ReleaseObject[] => (store.has(object) ? [{ object, size: store.read(object).length }] : []);
  return [
    ...(objectsOfImage(store.read(image.digest)) as ReleaseObject[]),
    ...single(image.digest),
    ...(kernel === undefined ? [] : [...single(kernel.linux), ...single(kernel.initrd)]),
  ];
}
