/** Contents from streams into the store: small ones in memory, large ones through a file that has no name until it is right. */
import { randomBytes } from "node:crypto";
import { createWriteStream, rmSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import type { FileContent } from "#tree/tree.ts";

/** Larger contents go through a file. Bytes. */
const IN_MEMORY_MAX = 4 * 1024 * 1024;
/** As in every tree (src/tree/tree.ts). */
const INLINE_MAX = 64;

/** @param size bytes that the stream has */
export async function storeContent(store: Store, stream: AsyncIterable<Buffer>, size: number): Promise<FileContent> {
  if (size <= INLINE_MAX) return { inline: Buffer.concat(await Array.fromAsync(stream)) };
  return { object: await storeObject(store, stream, size), size };
}

/** @returns the name under which the store has it: what its content really is */
async function storeObject(store: Store, stream: AsyncIterable<Buffer>, size: number): Promise<ObjectId> {
  if (size <= IN_MEMORY_MAX) return store.add(Buffer.concat(await Array.fromAsync(stream)));
  const aside = join(store.root, "tmp", `oci-${randomBytes(8).toString("hex")}`);
  try {
    await pipeline(stream, createWriteStream(aside, { flags: "wx" }));
    const [stored] = await store.addFiles([{ path: aside, size }], { move: true });
    if (stored === undefined) throw new RangeError("the store gave no name for a file");
    return stored.object;
  } finally {
    rmSync(aside, { force: true });
  }
}
