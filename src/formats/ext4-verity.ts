/**
 * What ext4 keeps past the end of a file with fs-verity, written without a kernel that has it.
 *
 *   0              content, i_size bytes
 *   i_size         hole
 *   next 64 KiB    Merkle tree, root level first, in whole blocks (none for at most one block of content)
 *   next block     descriptor, 256 bytes
 *   end of the last allocated block, 4 bytes before it: the descriptor's size, u32le
 *
 * The inode says it by EXT4_VERITY_FL and has i_size of the content alone; its last extent is how the kernel finds the
 * descriptor, so nothing may be allocated after it.
 * Specification: https://docs.kernel.org/filesystems/ext4/overview.html#verity-files and
 * https://docs.kernel.org/filesystems/fsverity.html, section "ext4".
 */
import { hash } from "node:crypto";
import { VERITY_BLOCK, merkleTree, verityDescriptor } from "./fsverity.ts";

/** Flags of a verity file's inode: EXT4_EXTENTS_FL, which verity needs, and EXT4_VERITY_FL. */
export const VERITY_INODE_FLAGS = 0x80000 | 0x100000;

const METADATA_ALIGNMENT = 64 * 1024;
const HASHES_PER_BLOCK = VERITY_BLOCK / 32;

export interface VerityMetadata {
  /** Byte offset in the file. */
  readonly offset: number;
  readonly bytes: Buffer;
  /** The file's fs-verity digest, which is the SHA-256 of the descriptor. */
  readonly digest: string;
}

/** The bytes that follow a file's content: tree, descriptor and its size. */
export function verityMetadata(content: Uint8Array): VerityMetadata {
  const { levels, rootHash } = merkleTree(content);
  const last = Buffer.alloc(VERITY_BLOCK);
  const descriptor = verityDescriptor(content.length, rootHash);
  descriptor.copy(last);
  last.writeUInt32LE(descriptor.length, VERITY_BLOCK - 4);
  return { offset: verityMetadataOffset(content.length), bytes: Buffer.concat([levels, last]), digest: hash("sha256", descriptor, "hex") };
}

/** Where the metadata of a file of `size` bytes begins. */
export function verityMetadataOffset(size: number): number {
  return Math.ceil(size / METADATA_ALIGNMENT) * METADATA_ALIGNMENT;
}

/** Bytes of the metadata of a file of `size` bytes, without reading it. */
export function verityMetadataSize(size: number): number {
  let blocks = 1;
  for (let level = Math.ceil(size / VERITY_BLOCK); level > 1;) blocks += level = Math.ceil(level / HASHES_PER_BLOCK);
  return blocks * VERITY_BLOCK;
}
