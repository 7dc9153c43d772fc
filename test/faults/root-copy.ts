/**
 * A copy of a root file system that is quick to make: metadata and what was written since the base was, and holes where the
 * contents of the base's files are. e2fsck may change it.
 */
import { closeSync, ftruncateSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { GptPartition } from "#formats/gpt.ts";
import type { Toolchain } from "#toolchain/open.ts";
import type { ReplayedDisk } from "./replayed-disk.ts";
import { runTool } from "./tools.ts";

export interface RootCopy {
  readonly path: string;
  /** Makes it anew from the disk as it is now. */
  write(): void;
}

const PIECE = 65536;

/** @param request.base path of the disk before anything was written */
export async function openRootCopy(request: {
  readonly base: string;
  readonly disk: ReplayedDisk;
  readonly partition: GptPartition;
  readonly scratch: string;
  readonly toolchain: Toolchain;
}): Promise<RootCopy> {
  const { disk, partition } = request;
  const path = join(request.scratch, "root.img");
  const metadata = await metadataOf(request);
  return {
    path,
    write: () => {
      rmSync(path, { force: true });
      const fd = openSync(path, "wx");
      try {
        ftruncateSync(fd, partition.size);
        for (const { offset, bytes } of metadata) writeSync(fd, bytes, 0, bytes.length, offset);
        const end = partition.start + partition.size;
        for (const { offset, bytes } of disk.written(partition.start, end)) writeSync(fd, bytes, 0, bytes.length, offset - partition.start);
      } finally {
        closeSync(fd);
      }
    },
  };
}

/** Reads an open file in pieces that are kept: tables are asked for an entry at a time. */
export function readInPieces(fd: number): (offset: number, length: number) => Buffer {
  const pieces = new Map<number, Buffer>();
  return (offset, length) => {
    const piece = Math.floor(offset / PIECE);
    if (Math.floor((offset + length - 1) / PIECE) !== piece) {
      const bytes = Buffer.alloc(length);
      readSync(fd, bytes, 0, length, offset);
      return bytes;
    }
    let found = pieces.get(piece);
    if (found === undefined) {
      found = Buffer.alloc(PIECE);
      readSync(fd, found, 0, PIECE, piece * PIECE);
      pieces.set(piece, found);
    }
    return found.subarray(offset - piece * PIECE, offset - piece * PIECE + length);
  };
}

/** e2image knows which blocks are metadata; all others are zeros in what it writes. */
async function metadataOf(request: {
  readonly base: string;
  readonly partition: GptPartition;
  readonly scratch: string;
  readonly toolchain: Toolchain;
}): Promise<{ offset: number; bytes: Buffer }[]> {
  const { base, partition, scratch, toolchain } = request;
  const image = join(scratch, "metadata.img");
  const { exitCode, stderr } = await runTool(toolchain, "usr/sbin/e2image", "-r", "-o", `${partition.start}`, base, image);
  if (exitCode !== 0) throw new Error(`e2image ${base}: ${stderr}`);
  const fd = openSync(image, "r");
  try {
    const chunks: { offset: number; bytes: Buffer }[] = [];
    const zeros = Buffer.alloc(PIECE);
    for (let offset = 0; offset < partition.size; offset += PIECE) {
      const bytes = Buffer.alloc(Math.min(PIECE, partition.size - offset));
      readSync(fd, bytes, 0, bytes.length, offset);
      if (!bytes.equals(zeros.subarray(0, bytes.length))) chunks.push({ offset, bytes });
    }
    return chunks;
  } finally {
    closeSync(fd);
    rmSync(image);
  }
}
