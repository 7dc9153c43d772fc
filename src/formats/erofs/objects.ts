/** The objects an image needs: what to publish, and what collection must keep. */
import { compareBytes } from "#formats/bytes.ts";
import { digestOf } from "./entry-of.ts";
import { LAYOUT_CHUNKS } from "./format.ts";
import { openImage } from "./image.ts";
import { walkImage } from "./walk.ts";

export interface ImageObject {
  /** fs-verity digest in 64 hex digits. */
  readonly object: string;
  /** Bytes. */
  readonly size: number;
}

/** Each external object of an image once, in the order of their digests. @throws E_EROFS_DAMAGED, E_EROFS_LIMIT */
export function objectsOfImage(content: Uint8Array): ImageObject[] {
  const sizes = new Map<string, number>();
  for (const { inode } of walkImage(openImage(content)).primary) {
    const digest = inode.layout === LAYOUT_CHUNKS ? digestOf(inode) : undefined;
    if (digest !== undefined) sizes.set(digest, inode.size);
  }
  return [...sizes].map(([object, size]) => ({ object, size })).sort((a, b) => compareBytes(a.object, b.object));
}
