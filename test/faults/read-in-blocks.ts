import { readSync } from "node:fs";

const BLOCK = 4096;

/** Reads an open file in blocks that are kept: tables are asked for an entry at a time. */
export function readInBlocks(fd: number): (offset: number, length: number) => Buffer {
  const blocks = new Map<number, Buffer>();
  return (offset, length) => {
    const block = Math.floor(offset / BLOCK);
    const within = offset - block * BLOCK;
    if (within + length > BLOCK) {
      const bytes = Buffer.allocUnsafe(length);
      readSync(fd, bytes, 0, length, offset);
      return bytes;
    }
    let found = blocks.get(block);
    if (found === undefined) {
      found = Buffer.allocUnsafe(BLOCK);
      readSync(fd, found, 0, BLOCK, block * BLOCK);
      blocks.set(block, found);
    }
    return found.subarray(within, within + length);
  };
}
