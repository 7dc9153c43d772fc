/** Where differences and packs lie in a release folder, and the lists that their places count in. */
import { compareBytes } from "#formats/bytes.ts";
import { objectsOfImage } from "#formats/erofs/reader.ts";
import type { ObjectId } from "#store/object.ts";

export interface DeltaFiles {
  readonly index: string;
  readonly data: string;
}

/** @param to image of the release. @param from image that the machine has */
export function deltaFiles(to: ObjectId, from: ObjectId): DeltaFiles {
  return { index: `deltas/${to}/${from}.index`, data: `deltas/${to}/${from}.data` };
}

/** Of a release: the index names packs of this release and of those before it. */
export function packFiles(to: ObjectId): DeltaFiles {
  return { index: `packs/${to}.index`, data: `packs/${to}.data` };
}

/** The old objects that `base` counts in. @param image bytes of the old composefs image, `from` its digest */
export function oldObjects(image: Buffer, from: ObjectId, extra: readonly ObjectId[]): ObjectId[] {
  const named = objectsOfImage(image).map(({ object }) => object as ObjectId);
  return [...new Set([...named, from, ...extra])].sort(compareBytes);
}
