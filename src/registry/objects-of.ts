/** What an image is made of. */
import { statSync } from "node:fs";
import { objectsOfImage } from "#formats/erofs/reader.ts";
import type { Image } from "#image/image.ts";
import { parseObjectId } from "#store/object.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import type { ReleaseObject } from "./release.ts";

/** Everything that a machine needs to run an image, with sizes in bytes; sorted by digest. */
export function objectsOf(image: Image, store: Store): ReleaseObject[] {
  const sizes = new Map<ObjectId, number>();
  for (const { object, size } of objectsOfImage(store.read(image.digest))) {
    const id = parseObjectId(object);
    if (id !== undefined) sizes.set(id, size);
  }
  const boot = image.kernel === undefined ? [] : [image.kernel.linux, image.kernel.initrd];
  for (const id of [image.digest, ...boot]) sizes.set(id, statSync(store.pathOf(id)).size);
  return [...sizes].map(([object, size]) => ({ object, size })).sort((a, b) => (a.object < b.object ? -1 : 1));
}
