/** Inodes as the writer holds them, between the entries of a dump and bytes. */
import type { ByteString } from "#formats/bytes.ts";
import type { Xattr } from "./xattr.ts";

export interface Inode {
  /** For errors; the path of the primary name. */
  readonly path: ByteString;
  mode: number;
  size: number;
  nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly mtime: number;
  readonly mtimeNsec: number;
  /** Target of a symbolic link. */
  readonly target: ByteString | undefined;
  /** Content that lies in the image; undefined for content in an object. */
  readonly content: Buffer | undefined;
  /** In the order of their keys once numbered. */
  readonly xattrs: Xattr[];
  /** In the order of their names once numbered; undefined for all but directories. */
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

export type InodeFields = Pick<
  Inode,
  "path" | "mode" | "size" | "nlink" | "uid" | "gid" | "rdev" | "mtime" | "mtimeNsec" | "target" | "content" | "xattrs" | "children"
>;

/** Makes an inode without a place in an image yet. All are made here, so that they have one shape in memory. */
export function createInode(fields: InodeFields): Inode {
  return {
    path: fields.path,
    mode: fields.mode,
    size: fields.size,
    nlink: fields.nlink,
    uid: fields.uid,
    gid: fields.gid,
    rdev: fields.rdev,
    mtime: fields.mtime,
    mtimeNsec: fields.mtimeNsec,
    target: fields.target,
    content: fields.content,
    xattrs: fields.xattrs,
    children: fields.children,
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
