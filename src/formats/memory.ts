/**
 * Memory of large buffers given back at once. The collector comes when it thinks that there is enough to collect, which may be
 * a hundred mebibytes; an upgrade runs on machines that do not have so much.
 */
import { zstdDecompressSync } from "node:zlib";

/** Nobody may use the buffer afterwards, nor any part of the memory that it is in, which it must have for itself. */
export function release(buffer: Buffer): void {
  // Smaller ones are cut out of a memory that others use too.
  if (buffer.length > Buffer.poolSize && buffer.buffer instanceof ArrayBuffer) buffer.buffer.transfer(0);
}

/** Room for bytes that are used until there is room for the next ones. */
export function createByteRoom(): (size: number) => Buffer {
  let room = Buffer.alloc(0);
  return (size) => {
    if (size > room.length) room = Buffer.alloc(size);
    return room.subarray(0, size);
  };
}

/**
 * Fills `into` with the content of a zstd frame.
 * @returns whether it has just so many bytes
 * @throws as node:zlib
 */
export function decompressInto(packed: Buffer, into: Buffer): boolean {
  const content = unpackAtOnce(packed, into.length);
  const { length } = content;
  content.copy(into);
  release(content);
  return length === into.length;
}

/** The content of a zstd frame, in memory of its own. @param most bytes that it may have, or one more. @throws as node:zlib */
export function unpackAtOnce(packed: Buffer, most: number): Buffer {
  // With a byte to spare the library takes no second piece, which would be as large.
  return zstdDecompressSync(packed, { maxOutputLength: most + 1, chunkSize: Math.max(64, most + 1) });
}
