/** The compressions of Debian packages and indexes, by the ending of the name; each with a limit on what comes out. */
import { promisify } from "node:util";
import { gunzip, zstdDecompress } from "node:zlib";
import { decompress as unxz } from "@napi-rs/lzma/xz";
import { AshlarError, messageOf } from "#errors";
import { xzContentSize } from "./xz.ts";

export type DecompressErrorCode = "E_DECOMPRESS_UNKNOWN" | "E_DECOMPRESS_CORRUPT" | "E_DECOMPRESS_LIMIT";

/**
 * Decompresses off the main thread.
 * @param name tells the compression by its ending: .xz, .zst, .gz, or none of these for plain content
 * @param limit bytes
 * @throws E_DECOMPRESS_CORRUPT, E_XZ_SYNTAX (also for truncated input), E_DECOMPRESS_LIMIT, E_DECOMPRESS_UNKNOWN (.bz2, .lzma)
 */
export async function decompress(name: string, content: Buffer, limit: number): Promise<Buffer> {
  try {
    if (name.endsWith(".xz")) {
      // The index at the end tells the size, so that a bomb is refused before it unfolds.
      if (xzContentSize(content) > limit) throw tooLarge(name, limit);
      return await unxz(content);
    }
    if (name.endsWith(".zst")) return await promisify(zstdDecompress)(content, { maxOutputLength: limit });
    if (name.endsWith(".gz")) return await promisify(gunzip)(content, { maxOutputLength: limit });
  } catch (error) {
    throw error instanceof AshlarError ? error : explained(error, name, limit);
  }
  if (/\.(bz2|lzma|lz|Z)$/.test(name))
    throw new AshlarError<DecompressErrorCode>("E_DECOMPRESS_UNKNOWN", `${name}: unsupported compression`);
  if (content.length > limit) throw tooLarge(name, limit);
  return content;
}

function explained(error: unknown, name: string, limit: number): AshlarError<DecompressErrorCode> {
  if (error instanceof RangeError) return tooLarge(name, limit);
  return new AshlarError("E_DECOMPRESS_CORRUPT", `${name} cannot be decompressed: ${messageOf(error)}`, { cause: error });
}

function tooLarge(name: string, limit: number): AshlarError<DecompressErrorCode> {
  return new AshlarError("E_DECOMPRESS_LIMIT", `${name} holds more than the allowed ${limit} bytes`, { details: { limit } });
}
