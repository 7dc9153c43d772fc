/** Writes one inode with its attributes and its tail. */
import { METACOPY_HEADER } from "#formats/composefs/overlay.ts";
import { S_IFBLK, S_IFCHR, S_IFLNK, S_IFMT, S_IFREG } from "#formats/file-mode.ts";
import {
  BLOCK,
  BLOCK_BITS,
  CHUNK_NOWHERE,
  COMPACT_INODE,
  EXTENDED_INODE,
  LAYOUT_CHUNKS,
  LAYOUT_INLINE,
  LAYOUT_PLAIN,
  XATTR_ENTRY,
  XATTR_HEADER,
  chunkBits,
} from "./format.ts";
import type { Inode } from "./inode.ts";
import { sizeOnDisk, splitDirectory } from "./layout.ts";
import { writeDirents } from "./write-blocks.ts";
import type { Output } from "./output.ts";
import type { Xattr } from "./xattr.ts";

const SLASH = 0x2f;

/** Writes an inode at its position; its blocks are written by `writeBlocks`. */
export function writeInode(output: Output, inode: Inode): void {
  const { view } = output;
  const { entry } = inode;
  const at = inode.position;
  const external = isExternal(inode);
  const layout = external ? LAYOUT_CHUNKS : inode.tail > 0 ? LAYOUT_INLINE : LAYOUT_PLAIN;
  view.setUint16(at, (inode.compact ? 0 : 1) | (layout << 1), true);
  view.setUint16(at + 2, inode.xattrSize === 0 ? 0 : (inode.xattrSize - XATTR_HEADER) / 4 + 1, true);
  view.setUint16(at + 4, inode.mode, true);
  const size = sizeOnDisk(inode);
  view.setUint32(at + 8, size, true);
  view.setUint32(at + 16, addressOf(output, inode, external), true);
  view.setUint32(at + 20, inode.number, true);
  if (inode.compact) {
    view.setUint16(at + 6, inode.nlink, true);
    view.setUint16(at + 24, entry.uid, true);
    view.setUint16(at + 26, entry.gid, true);
  } else {
    view.setUint32(at + 12, size / 2 ** 32, true);
    view.setUint32(at + 24, entry.uid, true);
    view.setUint32(at + 28, entry.gid, true);
    view.setBigInt64(at + 32, BigInt(entry.mtime), true);
    view.setUint32(at + 40, entry.mtimeNsec, true);
    view.setUint32(at + 44, inode.nlink, true);
  }
  const end = at + (inode.compact ? COMPACT_INODE : EXTENDED_INODE);
  if (inode.xattrSize > 0) writeXattrs(output, end, inode);
  if (inode.tail > 0) writeTail(output, end + inode.xattrSize, inode);
}

/** Writes one attribute with its value. */
export function writeXattrEntry({ view, bytes }: Output, at: number, { key, value, length }: Xattr): void {
  view.setUint8(at, key.suffix.length);
  view.setUint8(at + 1, key.prefix);
  view.setUint16(at + 2, length, true);
  const nameAt = at + XATTR_ENTRY;
  bytes.write(key.suffix, nameAt, key.suffix.length, "latin1");
  const valueAt = nameAt + key.suffix.length;
  if (key.form === "bytes") bytes.write(value, valueAt, length, "latin1");
  else if (key.form === "path") {
    view.setUint8(valueAt, SLASH);
    bytes.write(value, valueAt + 1, value.length, "latin1");
  } else if (length > 0) {
    bytes.write(METACOPY_HEADER, valueAt, METACOPY_HEADER.length, "latin1");
    bytes.write(value, valueAt + METACOPY_HEADER.length, length - METACOPY_HEADER.length, "hex");
  }
}

function isExternal(inode: Inode): boolean {
  return inode.size > 0 && inode.entry.content === undefined && (inode.mode & S_IFMT) === S_IFREG;
}

/** The field that says where the content is: a device number, a chunk size or a block number. */
function addressOf(output: Output, inode: Inode, external: boolean): number {
  const type = inode.mode & S_IFMT;
  if (type === S_IFCHR || type === S_IFBLK) return inode.entry.rdev;
  if (external) return chunkBits(inode.size) - BLOCK_BITS;
  return inode.blocks > 0 ? output.dataBlock + inode.firstBlock : 0;
}

function writeXattrs(output: Output, at: number, inode: Inode): void {
  const { view } = output;
  let filter = 0;
  let shared = at + XATTR_HEADER;
  let own = shared + inode.xattrsShared * 4;
  const sharedEnd = own;
  for (const xattr of inode.xattrs) {
    filter |= xattr.key.filterBit;
    if (xattr.sharedOffset >= 0 && shared < sharedEnd) {
      view.setUint32(shared, ((output.inodesEnd % BLOCK) + xattr.sharedOffset) / 4, true);
      shared += 4;
    } else {
      writeXattrEntry(output, own, xattr);
      own += xattr.size;
    }
  }
  view.setUint32(at, ~filter >>> 0, true);
  view.setUint8(at + 4, inode.xattrsShared);
}

function writeTail(output: Output, at: number, inode: Inode): void {
  const { bytes, view } = output;
  if (inode.children !== undefined) {
    const { children } = inode;
    splitDirectory(children, (from, to) => {
      if (to === children.length) writeDirents(output, at, { children, from, to });
    });
  } else if ((inode.mode & S_IFMT) === S_IFLNK) bytes.write(inode.entry.payload!, at, inode.tail, "latin1");
  else if (inode.entry.content !== undefined) bytes.set(inode.entry.content.subarray(inode.size - inode.tail), at);
  else view.setUint32(at, CHUNK_NOWHERE, true);
}
