/** Writes what lies in whole blocks: directories, inline files and long link targets. */
import { S_IFLNK, S_IFMT } from "#formats/file-mode.ts";
import { BLOCK, DIRENT, DIRENT_TYPES, SLOT } from "./format.ts";
import type { Child, Inode } from "./inode.ts";
import { splitDirectory } from "./layout.ts";
import type { Output } from "./output.ts";

/** Writes the blocks of one inode that has some. */
export function writeBlocks(output: Output, inode: Inode): void {
  let at = (output.dataBlock + inode.firstBlock) * BLOCK;
  if (inode.children !== undefined) {
    const { children, tail } = inode;
    splitDirectory(children, (from, to) => {
      if (to === children.length && tail > 0) return;
      writeDirents(output, at, { children, from, to });
      at += BLOCK;
    });
  } else if ((inode.mode & S_IFMT) === S_IFLNK) output.bytes.write(inode.entry.payload!, at, inode.size, "latin1");
  else output.bytes.set(inode.entry.content!.subarray(0, inode.size - inode.tail), at);
}

export interface DirentRun {
  readonly children: readonly Child[];
  readonly from: number;
  readonly to: number;
}

/** Writes one directory block, or a tail of one: the fixed parts of all entries, then all names. */
export function writeDirents({ bytes, view }: Output, at: number, { children, from, to }: DirentRun): void {
  let nameOffset = (to - from) * DIRENT;
  let entry = at;
  for (let index = from; index < to; index++) {
    const { name, inode } = children[index]!;
    // A position divided by 32 has at most 32 bits in an image of 128 GiB; the upper half of the field stays 0.
    view.setUint32(entry, inode.position / SLOT, true);
    view.setUint16(entry + 8, nameOffset, true);
    view.setUint8(entry + 10, DIRENT_TYPES[inode.mode >>> 12]!);
    bytes.write(name, at + nameOffset, name.length, "latin1");
    nameOffset += name.length;
    entry += DIRENT;
  }
}
