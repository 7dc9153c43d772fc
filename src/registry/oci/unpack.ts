/** The content of layers as it comes: unpacked with a bound, so that no few bytes become very many. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { AshlarError, messageOf } from "#errors";
import type { OciErrorCode } from "./errors.ts";
import type { Descriptor } from "./manifest.ts";

/** Most bytes of one layer, unpacked, when nothing better is known. */
export const LAYER_MAX = 32 * 1024 ** 3;

/**
 * @param limit bytes, unpacked
 * @throws E_OCI_LAYER for another compression or a broken stream, E_OCI_SIZE above the limit
 */
export async function* unpacked(
  stream: AsyncIterable<Buffer>,
  { mediaType, digest }: Descriptor,
  limit = LAYER_MAX,
): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of decoded(stream, mediaType, digest)) {
    size += chunk.length;
    if (size > limit)
      throw new AshlarError<OciErrorCode>("E_OCI_SIZE", `layer ${digest} unpacks to more than the ${limit} bytes that it may have`, {
        hint: "do not use this image; nothing was changed",
        details: { digest, limit },
      });
    yield chunk;
  }
}

async function* decoded(stream: AsyncIterable<Buffer>, mediaType: string, digest: string): AsyncGenerator<Buffer> {
  if (mediaType.endsWith(".tar")) {
    yield* stream;
    return;
  }
  const decoder = /(\+|\.)gzip$/.test(mediaType) ? createGunzip() : mediaType.endsWith("+zstd") ? createZstdDecompress() : undefined;
  if (decoder === undefined) throw broken(digest, `its compression, ${mediaType}, is not known here`);
  const done = pipeline(Readable.from(stream), decoder);
  // The reader below learns of the failure first; without it, nobody would look at this one.
  done.catch(() => {});
  try {
    for await (const chunk of decoder as AsyncIterable<Buffer>) yield chunk;
    await done;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (typeof code === "string" && /^(Z_|ZSTD_|ERR_STREAM_PREMATURE)/.test(code)) throw broken(digest, messageOf(error), error);
    throw error;
  }
}

function broken(digest: string, why: string, cause?: unknown): AshlarError<OciErrorCode> {
  return new AshlarError("E_OCI_LAYER", `layer ${digest} cannot be unpacked: ${why}`, {
    cause,
    hint: "push the image again; nothing was changed",
    details: { digest },
  });
}
