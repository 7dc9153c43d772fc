/** Reads one inode: its fields, its attributes, and where its content is. */
import type { ByteString } from "#formats/bytes.ts";
import { DUMP_INLINE_MAX } from "#formats/composefs/dump-entry.ts";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, hasFileType } from "#formats/file-mode.ts";
import { damaged } from "./errors.ts";
import {
  BLOCK,
  BLOCK_BITS,
  CHUNK_NOWHERE,
  COMPACT_INODE,
  EXTENDED_INODE,
  LAYOUT_CHUNKS,
  LAYOUT_INLINE,
  LAYOUT_PLAIN,
  LINK_TARGET_MAX,
  SLOT,
  chunkBits,
} from "./format.ts";
import { readTime } from "./image.ts";
import type { Image } from "./image.ts";
import { readXattrs, xattrAreaSize } from "./read-xattrs.ts";
import type { XattrCache } from "./read-xattrs.ts";

export interface RawInode {
  readonly nid: number;
  readonly position: number;
  readonly compact: boolean;
  readonly layout: number;
  readonly mode: number;
  readonly nlink: number;
  readonly size: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly mtimeNsec: number;
  /** Index in the image, breadth first. */
  readonly number: number;
  readonly rdev: number;
  readonly xattrs: ReadonlyMap<ByteString, ByteString>;
  /** Whole blocks of content and the first one's number; 0 blocks when all content is in the tail. */
  readonly blocks: number;
  readonly firstBlock: number;
  /** Content after the attributes: position and bytes. */
  readonly tailAt: number;
  readonly tail: number;
}

/** Reads the inode with the number `nid` on disk. @throws E_EROFS_DAMAGED */
export function readInode(image: Image, nid: number, cache: XattrCache): RawInode {
  const { view } = image;
  const position = nid * SLOT;
  if (position < BLOCK / 4 || position + COMPACT_INODE > view.byteLength) throw damaged(position, "an inode outside of the file");
  const format = view.getUint16(position, true);
  const compact = (format & 1) === 0;
  const layout = format >> 1;
  const end = position + (compact ? COMPACT_INODE : EXTENDED_INODE);
  const tailAt = end + xattrAreaSize(view.getUint16(position + 2, true));
  if (tailAt > view.byteLength) throw damaged(position, "an inode that the end of the file cuts");
  const mode = view.getUint16(position + 4, true);
  const fields = compact ? compactFields(image, position) : extendedFields(view, position);
  if (!hasFileType(mode)) throw damaged(position + 4, "a mode without a file type");
  if (!Number.isSafeInteger(fields.size)) throw damaged(position + 8, "not a size");
  const isDevice = (mode & S_IFMT) === S_IFCHR || (mode & S_IFMT) === S_IFBLK;
  const address = view.getUint32(position + 16, true);
  const inode: RawInode = {
    nid,
    position,
    compact,
    layout,
    mode,
    ...fields,
    number: view.getUint32(position + 20, true),
    rdev: isDevice ? address : 0,
    xattrs: readXattrs(image, end, tailAt, cache),
    ...contentOf(layout, fields.size, address),
    tailAt,
  };
  checkContent(image, inode, address);
  return inode;
}

/** The content of an inode, from its blocks and its tail. The caller knows that it is inside the file. */
export function readContent({ bytes }: Image, inode: RawInode): Buffer {
  const inBlocks = inode.size - inode.tail;
  const start = inode.firstBlock * BLOCK;
  if (inode.tail === 0) return bytes.subarray(start, start + inBlocks);
  const tail = bytes.subarray(inode.tailAt, inode.tailAt + inode.tail);
  return inBlocks === 0 ? tail : Buffer.concat([bytes.subarray(start, start + inBlocks), tail]);
}

type Fields = Pick<RawInode, "size" | "nlink" | "uid" | "gid" | "mtime" | "mtimeNsec">;

function compactFields({ view, mtime, mtimeNsec }: Image, at: number): Fields {
  return {
    size: view.getUint32(at + 8, true),
    nlink: view.getUint16(at + 6, true),
    uid: view.getUint16(at + 24, true),
    gid: view.getUint16(at + 26, true),
    mtime,
    mtimeNsec,
  };
}

function extendedFields(view: DataView, at: number): Fields {
  return {
    size: view.getUint32(at + 8, true) + view.getUint32(at + 12, true) * 2 ** 32,
    nlink: view.getUint32(at + 44, true),
    uid: view.getUint32(at + 24, true),
    gid: view.getUint32(at + 28, true),
    ...readTime(view, at + 32),
  };
}

function contentOf(layout: number, size: number, address: number): Pick<RawInode, "blocks" | "firstBlock" | "tail"> {
  if (layout === LAYOUT_CHUNKS) return { blocks: 0, firstBlock: 0, tail: 0 };
  const blocks = layout === LAYOUT_INLINE ? Math.floor(size / BLOCK) : Math.ceil(size / BLOCK);
  return { blocks, firstBlock: blocks > 0 ? address : 0, tail: layout === LAYOUT_INLINE ? size % BLOCK : 0 };
}

function checkContent({ view }: Image, inode: RawInode, address: number): void {
  const { position, size, layout } = inode;
  const type = inode.mode & S_IFMT;
  if (layout === LAYOUT_CHUNKS) {
    if (type !== S_IFREG || size === 0) throw damaged(position, "a chunk map in what is not a file");
    if (address !== chunkBits(size) - BLOCK_BITS) throw damaged(position + 16, "another chunk size than the writer's");
    if (inode.tailAt + 4 > view.byteLength || view.getUint32(inode.tailAt, true) !== CHUNK_NOWHERE)
      throw damaged(inode.tailAt, "a chunk that is somewhere");
    return;
  }
  if (layout !== LAYOUT_PLAIN && layout !== LAYOUT_INLINE) throw damaged(position, `an unknown data layout ${layout}`);
  if (layout === LAYOUT_INLINE && inode.tail === 0) throw damaged(position, "an inline inode without a tail");
  const limits = new Map([
    [S_IFREG, DUMP_INLINE_MAX],
    [S_IFLNK, LINK_TARGET_MAX],
    [S_IFDIR, view.byteLength],
  ]);
  if (size > (limits.get(type) ?? 0)) throw damaged(position + 8, "more content than an inode of this type can have");
  if (inode.tailAt + inode.tail > view.byteLength) throw damaged(position, "a tail that the end of the file cuts");
  if (inode.tail > 0 && Math.floor(inode.tailAt / BLOCK) !== Math.floor((inode.tailAt + inode.tail - 1) / BLOCK))
    throw damaged(inode.tailAt, "a tail across two blocks");
  if ((inode.firstBlock + inode.blocks) * BLOCK > view.byteLength) throw damaged(position + 16, "content after the end of the file");
}
