/** Inodes as the writer holds them, between the entries of a dump and bytes. */
import type { ByteString } from "#formats/bytes.ts";
import type { DumpInode } from "#formats/composefs/dump-entry.ts";
import type { Xattr } from "./xattr.ts";

export interface Inode {
  /** What the inode was made from. What the image says otherwise is below. */
  readonly entry: DumpInode;
  /** A whiteout is a regular file in the image. */
  readonly mode: number;
  readonly size: number;
  nlink: number;
  /** In the order of their keys once numbered. */
  readonly xattrs: Xattr[];
  /** In the order of their names once the graph is whole; undefined for all but directories. */
  readonly children: Child[] | undefined;

  /** Index in the image, breadth first; -1 before it has one. */
  number: number;
  compact: boolean;
  /** Byte at which the inode starts. */
  position: number;
  /** Bytes of attributes after the inode. */
  xattrSize: number;
  xattrsShared: number;
  /** Bytes that follow the attributes. */
  tail: number;
  /** Whole blocks, and the first of them counted from the start of the data. */
  blocks: number;
  firstBlock: number;
}

export interface Child {
  readonly name: ByteString;
  readonly inode: Inode;
  /** True for the name under which the inode is numbered; false for hard links, "." and "..". */
  readonly primary: boolean;
}

/** Makes an inode without a place in an image yet. All are made here, so that they have one shape in memory. */
export function createInode(entry: DumpInode, mode: number, size: number, more: Pick<Inode, "xattrs" | "children">): Inode {
  return {
    entry,
    mode,
    size,
    nlink: entry.nlink,
    xattrs: more.xattrs,
    children: more.children,
    number: -1,
    compact: false,
    position: 0,
    xattrSize: 0,
    xattrsShared: 0,
    tail: 0,
    blocks: 0,
    firstBlock: 0,
  };
}
