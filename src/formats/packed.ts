/**
 * How Ashlar compresses what it makes itself. Compressing the same bytes again gives the same file, with the same version of
 * zstd; so an update can send what changed inside, and a machine makes the file of it.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";

/** Measured on Debian 13's cloud kernel, see docs/decisions/initrd.md. Changing it changes every initrd. */
const LEVEL = 9;
/** Bytes of what can be unpacked in memory. */
const UNPACKED_MAX = 512 * 1024 * 1024;

/** Names what decides the bytes that {@link pack} makes. */
export const PACKING = `zstd-${process.versions.zstd}-${LEVEL}`;

/** One zstd frame with a checksum, as Debian's kernels unpack it (CONFIG_RD_ZSTD). */
export function pack(content: Buffer): Buffer {
  return zstdCompressSync(content, {
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL, [constants.ZSTD_c_checksumFlag]: 1 },
  });
}

/** The content of what {@link pack} made, also with another version of zstd; undefined for anything else. */
export function unpack(packed: Buffer): Buffer | undefined {
  if (packed.length < 4 || packed.readUInt32LE(0) !== 0xfd2fb528) return undefined;
  try {
    return zstdDecompressSync(packed, { maxOutputLength: UNPACKED_MAX });
  } catch (error) {
    // What zstd refuses has a code of its own for each reason.
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}
