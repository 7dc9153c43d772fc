/** The header and superblock of an image, checked: only what the writer makes is accepted. */
import { damaged } from "./errors.ts";
import type { ErofsErrorCode } from "./errors.ts";
import {
  BLOCK,
  BLOCK_BITS,
  COMPOSEFS_HAS_ACL,
  COMPOSEFS_HEADER_VERSION,
  COMPOSEFS_MAGIC,
  EROFS_MAGIC,
  FEATURE_COMPAT,
  IMAGE_SIZE_MAX,
  SLOT,
  SUPERBLOCK_OFFSET,
} from "./format.ts";
import type { ImageVersion } from "./graph.ts";
import { AshlarError } from "#errors";

export interface Image {
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly version: ImageVersion;
  readonly hasAcl: boolean;
  readonly rootNid: number;
  readonly inodeCount: number;
  /** Modification time of compact inodes. */
  readonly mtime: number;
  readonly mtimeNsec: number;
  /** Byte from which the ids of shared attributes count, in units of 4. */
  readonly xattrBase: number;
}

/**
 * Checks the start of an image.
 * @throws E_EROFS_DAMAGED with the position, E_EROFS_LIMIT for more than 1 GiB
 */
export function openImage(content: Uint8Array): Image {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  if (bytes.length > IMAGE_SIZE_MAX)
    throw new AshlarError<ErofsErrorCode>("E_EROFS_LIMIT", `an image of ${bytes.length} bytes; the most is ${IMAGE_SIZE_MAX}`, {
      hint: "check that the file is an image; `ashlar images` lists those in the store",
    });
  if (bytes.length < BLOCK || bytes.length % BLOCK !== 0) throw damaged(bytes.length, "the file does not end with a whole block");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const expect = (position: number, expected: number, what: string): void => {
    if (view.getUint32(position, true) !== expected) throw damaged(position, what);
  };
  expect(0, COMPOSEFS_MAGIC, "it does not start as a composefs image");
  expect(4, COMPOSEFS_HEADER_VERSION, "an unknown version of the header");
  const flags = view.getUint32(8, true);
  if ((flags & ~COMPOSEFS_HAS_ACL) !== 0) throw damaged(8, "unknown flags");
  const version = view.getUint32(12, true);
  if (version !== 0 && version !== 1) throw damaged(12, `composefs version ${version}`);

  const at = SUPERBLOCK_OFFSET;
  expect(at, EROFS_MAGIC, "no EROFS superblock");
  expect(at + 8, FEATURE_COMPAT, "unknown features");
  expect(at + 12, BLOCK_BITS | (view.getUint16(at + 14, true) << 16), "another block size than 4096");
  expect(at + 36, bytes.length / BLOCK, "a number of blocks that is not the size of the file");
  expect(at + 40, 0, "metadata in another place");
  expect(at + 80, 0, "features that the writer does not use");
  const inodeCount = Number(view.getBigUint64(at + 16, true));
  if (inodeCount === 0 || inodeCount > bytes.length / SLOT) throw damaged(at + 16, "more inodes than fit in the file");
  const xattrBase = view.getUint32(at + 44, true) * BLOCK;
  if (xattrBase > bytes.length) throw damaged(at + 44, "shared attributes after the end of the file");
  return {
    bytes,
    view,
    version,
    hasAcl: flags === COMPOSEFS_HAS_ACL,
    rootNid: view.getUint16(at + 14, true),
    inodeCount,
    ...readTime(view, at + 24),
    xattrBase,
  };
}

/** Reads seconds (64 bits) and nanoseconds (32 bits). */
export function readTime(view: DataView, at: number): { mtime: number; mtimeNsec: number } {
  const mtime = Number(view.getBigInt64(at, true));
  const mtimeNsec = view.getUint32(at + 8, true);
  if (!Number.isSafeInteger(mtime) || mtimeNsec > 999_999_999) throw damaged(at, "not a time");
  return { mtime, mtimeNsec };
}
