/**
 * Layout: where each inode lies, and which part of its content follows it (the tail) or lies in blocks of its own.
 * A tail never crosses a block boundary; an inode is moved up to avoid it.
 */
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "#formats/file-mode.ts";
import { BLOCK, COMPACT_INODE, DIRENT, EXTENDED_INODE, INODES_OFFSET, SLOT, XATTR_HEADER, XATTR_SHARED_MAX, roundUp } from "./format.ts";
import type { Child, Inode } from "./inode.ts";

export interface Layout {
  /** Byte after the last inode, where the shared attributes start. */
  readonly inodesEnd: number;
  /** Blocks of content after the shared attributes. */
  readonly blocks: number;
  /** Modification time that compact inodes have. */
  readonly mtime: number;
  readonly mtimeNsec: number;
}

/** Gives every inode its place. Inodes are in the order of the image, and the shared attributes are known. */
export function layOut(inodes: readonly Inode[]): Layout {
  const { mtime, mtimeNsec } = oldest(inodes);
  let position = INODES_OFFSET;
  let blocks = 0;
  for (const inode of inodes) {
    placeContent(inode);
    inode.compact =
      inode.entry.mtime === mtime &&
      inode.entry.mtimeNsec === mtimeNsec &&
      inode.nlink <= 0xffff &&
      inode.entry.uid <= 0xffff &&
      inode.entry.gid <= 0xffff &&
      sizeOnDisk(inode) <= 0xffffffff;
    measureXattrs(inode);
    const head = (inode.compact ? COMPACT_INODE : EXTENDED_INODE) + inode.xattrSize;
    position = (position + SLOT - 1) & ~(SLOT - 1);
    position += padding(inode, position, head);
    inode.position = position;
    inode.firstBlock = blocks;
    blocks += inode.blocks;
    position += head + inode.tail;
  }
  return { inodesEnd: roundUp(position, SLOT), blocks, mtime, mtimeNsec };
}

/** The size field: of a directory what its entries take, else bytes of content. */
export function sizeOnDisk(inode: Inode): number {
  return inode.children === undefined ? inode.size : inode.blocks * BLOCK + inode.tail;
}

/** Calls `onBlock` with each run of children that one directory block holds, and the bytes it takes. */
export function splitDirectory(children: readonly Child[], onBlock: (from: number, to: number, bytes: number) => void): void {
  let from = 0;
  let bytes = 0;
  for (let index = 0; index < children.length; index++) {
    const size = DIRENT + children[index]!.name.length;
    if (bytes + size > BLOCK) {
      onBlock(from, index, bytes);
      from = index;
      bytes = 0;
    }
    bytes += size;
  }
  onBlock(from, children.length, bytes);
}

function oldest(inodes: readonly Inode[]): { mtime: number; mtimeNsec: number } {
  let { mtime, mtimeNsec } = inodes[0]!.entry;
  for (const { entry } of inodes)
    if (entry.mtime < mtime || (entry.mtime === mtime && entry.mtimeNsec < mtimeNsec)) ({ mtime, mtimeNsec } = entry);
  return { mtime, mtimeNsec };
}

/** Divides content into whole blocks and a tail, before the place of the inode is known. */
function placeContent(inode: Inode): void {
  const type = inode.mode & S_IFMT;
  if (type === S_IFDIR) {
    splitDirectory(inode.children!, (_from, to, bytes) => {
      if (to < inode.children!.length || bytes > BLOCK / 2) inode.blocks++;
      else inode.tail = bytes;
    });
  } else if (type === S_IFLNK) inode.tail = inode.size;
  else if (type === S_IFREG && inode.entry.content !== undefined) {
    inode.blocks = Math.floor(inode.size / BLOCK);
    inode.tail = inode.size % BLOCK;
    if (inode.tail > BLOCK / 2) {
      inode.blocks++;
      inode.tail = 0;
    }
    // An external file has one entry in its chunk map.
  } else if (type === S_IFREG && inode.size > 0) inode.tail = 4;
}

function measureXattrs(inode: Inode): void {
  if (inode.xattrs.length === 0) return;
  let size = XATTR_HEADER;
  for (const xattr of inode.xattrs) {
    if (xattr.sharedOffset >= 0 && inode.xattrsShared < XATTR_SHARED_MAX) {
      inode.xattrsShared++;
      size += 4;
    } else size += xattr.size;
  }
  inode.xattrSize = size;
}

/** Bytes to leave free before the inode; moves a tail that fits nowhere into a block. `head` is the inode and its attributes. */
function padding(inode: Inode, position: number, head: number): number {
  const toNextBlock = roundUp(position, BLOCK) - position;
  if ((inode.mode & S_IFMT) === S_IFLNK) {
    // The whole inode of a symbolic link lies in one block, with its target when that fits.
    const total = head + inode.tail;
    if (total >= BLOCK) {
      inode.blocks = 1;
      inode.tail = 0;
    }
    return Math.floor(position / BLOCK) === Math.floor((position + total - 1) / BLOCK) ? 0 : toNextBlock;
  }
  const room = BLOCK - ((position + head) % BLOCK);
  if (room >= inode.tail) return 0;
  const pad = roundUp(room, SLOT);
  if (BLOCK - ((position + head + pad) % BLOCK) >= inode.tail) return pad;
  inode.blocks++;
  inode.tail = 0;
  return toNextBlock;
}
