/** A partition of a replayed disk as a file of its own, for programs that check file systems. It follows the disk. */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import type { GptPartition } from "#formats/gpt.ts";
import type { Range, ReplayedDisk } from "./replayed-disk.ts";

export interface PartitionFile {
  readonly path: string;
  /** Brings the file to where the disk is. */
  bring(): void;
  /** Takes back what a program wrote to it. @param ranges bytes of the partition */
  putBack(ranges: readonly Range[]): void;
}

const BLOCK = 4096;

/** @param path of a file with the partition as it was before the first write, or with those parts of it that matter */
export function followPartition(
  path: string,
  { disk, partition }: { readonly disk: ReplayedDisk; readonly partition: GptPartition },
): PartitionFile {
  const pristine = `${path}.pristine`;
  copySparse(path, pristine);
  const fd = openSync(path, "r+");
  const first = openSync(pristine, "r");
  ftruncateSync(fd, partition.size);
  const put = ({ offset, length }: Range): void => {
    const [from, to] = [Math.max(offset, partition.start), Math.min(offset + length, partition.start + partition.size)];
    if (from < to) writeSync(fd, disk.read(from, to - from), 0, to - from, from - partition.start);
  };
  let borrowed: readonly Range[] = [];
  disk.watch((ranges) => {
    // What the last state had besides goes first: the disk has none of it now.
    for (const range of borrowed) restore(range);
    for (const range of ranges) put(range);
    borrowed = [];
  });
  const restore = ({ offset, length }: Range): void => {
    for (let at = Math.floor(offset / BLOCK) * BLOCK; at < offset + length; at += BLOCK)
      if (disk.isTouched({ offset: at, length: BLOCK })) put({ offset: at, length: BLOCK });
      else if (at >= partition.start && at < partition.start + partition.size) {
        const bytes = Buffer.alloc(BLOCK);
        readSync(first, bytes, 0, BLOCK, at - partition.start);
        writeSync(fd, bytes, 0, BLOCK, at - partition.start);
      }
  };
  return {
    path,
    bring: () => {
      disk.volatile().forEach(put);
      borrowed = disk.volatile();
    },
    putBack: (ranges) => {
      for (const { offset, length } of ranges) restore({ offset: partition.start + offset, length });
    },
  };
}

/** Holes stay holes. */
export function copySparse(from: string, to: string): void {
  const PIECE = 1 << 20;
  const [source, target] = [openSync(from, "r"), openSync(to, "wx")];
  try {
    const bytes = Buffer.alloc(PIECE);
    const zeros = Buffer.alloc(PIECE);
    const { size } = fstatSync(source);
    for (let at = 0; at < size; at += PIECE) {
      const length = readSync(source, bytes, 0, PIECE, at);
      if (!bytes.subarray(0, length).equals(zeros.subarray(0, length))) writeSync(target, bytes, 0, length, at);
    }
    ftruncateSync(target, size);
  } finally {
    closeSync(source);
    closeSync(target);
  }
}
