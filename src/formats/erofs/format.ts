/**
 * EROFS on disk, in the form composefs images have. All numbers are little-endian.
 *
 *   0             composefs header, 32 bytes
 *   1024          superblock, 128 bytes
 *   1152          inodes, each with its attributes and its inline tail, aligned to 32 bytes, breadth first
 *   inodes end    attributes shared by several inodes
 *   next block    4096-byte blocks: directories, inline files, long link targets, in the order of their inodes
 *
 * The number of an inode on disk (nid) is its position divided by 32.
 * Specification: https://erofs.docs.kernel.org/en/latest/core_ondisk.html; docs/formats/image.md says what composefs makes of it.
 * Every constant here is part of the digest of every image.
 */

export const BLOCK = 4096;
export const BLOCK_BITS = 12;
export const SLOT = 32;
/** More than this is not read: some 10 million files. */
export const IMAGE_SIZE_MAX = 2 ** 30;

export const COMPOSEFS_MAGIC = 0xd078629a;
export const COMPOSEFS_HEADER_VERSION = 1;
/** Set when any inode has a POSIX ACL; without it the image is mounted with `noacl`. */
export const COMPOSEFS_HAS_ACL = 1;

export const SUPERBLOCK_OFFSET = 1024;
export const EROFS_MAGIC = 0xe0f5e1e2;
/** MTIME (2) and XATTR_FILTER (4). */
export const FEATURE_COMPAT = 6;
export const INODES_OFFSET = 1152;
export const ROOT_NID_MAX = 0xfffe;

export const COMPACT_INODE = 32;
export const EXTENDED_INODE = 64;
export const LAYOUT_PLAIN = 0;
export const LAYOUT_INLINE = 2;
export const LAYOUT_CHUNKS = 4;

/** A chunk that is nowhere: the file reads as zeros until overlayfs puts the object in its place. */
export const CHUNK_NOWHERE = 0xffffffff;
const CHUNK_BITS_MAX = 43;
/** One chunk of the largest size, 8 TiB. */
export const EXTERNAL_SIZE_MAX = 2 ** CHUNK_BITS_MAX;

export const DIRENT = 12;
export const NAME_MAX = 255;
/** Longer paths cannot be opened, so no entry has one. */
export const PATH_LENGTH_MAX = 4095;
/** PATH_MAX without its NUL. */
export const LINK_TARGET_MAX = 4095;

export const XATTR_HEADER = 12;
export const XATTR_ENTRY = 4;
export const XATTR_SHARED_MAX = 128;
export const XATTR_NAME_MAX = 255;
export const XATTR_VALUE_MAX = 65535;
export const XATTR_INODE_MAX = 32767;
export const XATTR_FILTER_SEED = 0x25bbe08f;

/** Name prefixes by their number on disk, in the order in which they are tried. */
export const XATTR_PREFIXES: readonly (readonly [number, string])[] = [
  [1, "user."],
  [2, "system.posix_acl_access"],
  [3, "system.posix_acl_default"],
  [4, "trusted."],
  [6, "security."],
];

/** Type byte of a directory entry by the type bits of the mode, shifted right by 12 (`S_IFMT`). */
export const DIRENT_TYPES: readonly number[] = [0, 5, 3, 0, 2, 0, 4, 0, 1, 0, 7, 0, 6, 0, 0, 0];

export function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/** log2 of the chunk size of an external file: one chunk that is no larger than it must be. */
export function chunkBits(size: number): number {
  if (size <= BLOCK) return BLOCK_BITS;
  // size − 1 may have more than 32 bits.
  const high = Math.floor((size - 1) / 2 ** 32);
  return high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32((size - 1) >>> 0);
}
