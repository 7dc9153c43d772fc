/** One line of a composefs dump: one name in the root file system of an image. */
import type { ByteString } from "#formats/bytes.ts";

/** A name with an inode of its own. Every field is present, so that all entries have one shape in memory. */
export interface DumpInode {
  /** Absolute, without a trailing slash; the root is "/". */
  readonly path: ByteString;
  readonly hardlink: undefined;
  /** `st_mode`: type and permission bits. */
  readonly mode: number;
  /** Bytes, of a regular file; 0 for all else. */
  readonly size: number;
  /** Ignored for directories, whose links are counted. */
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  /** Device number of a character or block device, as `encodeDevice` makes it. */
  readonly rdev: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly mtimeNsec: number;
  /** Target of a symbolic link, or path of the object of a regular file below the object folder. */
  readonly payload: ByteString | undefined;
  /** Content of a regular file that lies in the image itself; `size` bytes. */
  readonly content: Buffer | undefined;
  /** fs-verity digest of the object of a regular file, 64 hex digits. */
  readonly digest: string | undefined;
  /** Full names to raw values. */
  readonly xattrs: ReadonlyMap<ByteString, ByteString>;
}

/** Another name of the inode at the path `hardlink`. */
export interface DumpHardlink {
  readonly path: ByteString;
  readonly hardlink: ByteString;
}

export type DumpEntry = DumpInode | DumpHardlink;

export const NO_XATTRS: ReadonlyMap<ByteString, ByteString> = new Map();

/** More content than this cannot be inline: mkcomposefs refuses it. */
export const DUMP_INLINE_MAX = 5000;

/** Path of an object below the object folder: two hex digits of the digest, a slash, and the other 62. */
export function objectPayload(digest: string): ByteString {
  return `${digest.slice(0, 2)}/${digest.slice(2)}`;
}
