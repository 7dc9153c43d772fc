/**
 * A release whose objects were fetched before it is wanted as a generation. A reference in the store keeps them from being
 * collected; there is one such release at a time.
 */
import { objectsOfImage } from "#formats/erofs/reader.ts";
import { integer, record } from "#formats/shape.ts";
import { parseObjectId } from "#store/object.ts";
import type { ObjectId } from "#store/object.ts";
import { getRef, putRef, removeRef } from "#store/refs.ts";
import { objectIdShape } from "#store/shape.ts";
import type { Store } from "#store/store.ts";
import type { Release } from "#registry/release.ts";

const KIND = "downloads";
const NAME = "release";

const downloadShape = record({ sequence: integer(1), image: objectIdShape, linux: objectIdShape, initrd: objectIdShape });

/** From now on the objects of this release stay, until another one is noted. */
export function noteDownload(store: Store, { sequence, image: { digest, kernel } }: Release): void {
  if (kernel === undefined) return;
  putRef(store, KIND, NAME, { sequence, image: digest, linux: kernel.linux, initrd: kernel.initrd });
}

/** It is a generation now, or nobody wants it any more. */
export function forgetDownload(store: Store): void {
  removeRef(store, KIND, NAME);
}

/** The image and all objects that have to stay for it; undefined when there is none, or its image never came. */
export function downloadedRelease(store: Store): { readonly image: ObjectId; readonly objects: readonly ObjectId[] } | undefined {
  const noted = getRef(store, KIND, NAME);
  if (noted === undefined) return undefined;
  const { image, linux, initrd } = downloadShape(noted, "");
  if (!store.has(image)) return undefined;
  const files = objectsOfImage(store.read(image)).flatMap(({ object }) => parseObjectId(object) ?? []);
  return { image, objects: [image, linux, initrd, ...files] };
}
