/** The objects an image needs, for the collection of what no image needs. */
import { compareBytes } from "#formats/bytes.ts";
import { readImage } from "./reader.ts";

export interface ImageObject {
  /** fs-verity digest in 64 hex digits. */
  readonly object: string;
  /** Bytes. */
  readonly size: number;
}

/** Each external object of an image once, in the order of their digests. @throws E_EROFS_DAMAGED, E_EROFS_LIMIT */
export function objectsOfImage(content: Uint8Array): ImageObject[] {
  const sizes = new Map<string, number>();
  for (const entry of readImage(content))
    if (entry.hardlink === undefined && entry.digest !== undefined) sizes.set(entry.digest, entry.size);
  return [...sizes].map(([object, size]) => ({ object, size })).sort((a, b) => compareBytes(a.object, b.object));
}
