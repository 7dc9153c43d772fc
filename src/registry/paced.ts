/** A source that may be given up when it is slow, because there is another one. */
import { AshlarError } from "#errors";
import type { RegistryErrorCode } from "./errors.ts";
import { withOpen } from "./stream.ts";
import type { ReleaseSource } from "./stream.ts";

export interface Pace {
  /** Bytes a second; less is too slow. */
  readonly rate: number;
  /** Milliseconds of waiting after which it has to be kept. */
  readonly grace: number;
}

/** The same source; what it has as layers goes its own way, and reading files from it fails with E_SOURCE_SLOW when what comes is too little for the time spent waiting for it. */
export function paced(source: ReleaseSource, pace: Pace): ReleaseSource {
  return withOpen(source, async (path, ...how) => {
    const began = performance.now();
    const stream = await source.open(path, ...how);
    return stream === undefined ? undefined : kept(stream, { pace, waited: performance.now() - began, where: `${source.address}/${path}` });
  });
}

/** Only waiting counts: that the reader takes its time is not the source's fault. */
async function* kept(
  stream: AsyncIterable<Buffer>,
  { pace, waited: before, where }: { readonly pace: Pace; readonly waited: number; readonly where: string },
): AsyncGenerator<Buffer> {
  let waited = before;
  let bytes = 0;
  let asked = performance.now();
  for await (const chunk of stream) {
    waited += performance.now() - asked;
    bytes += chunk.length;
    if (waited > pace.grace && (bytes / waited) * 1000 < pace.rate)
      throw new AshlarError<RegistryErrorCode>(
        "E_SOURCE_SLOW",
        `${where}: ${bytes} bytes came in ${Math.round(waited / 1000)} s of waiting`,
        {
          hint: "another source is asked; nothing was changed",
          details: { path: where, bytes, milliseconds: Math.round(waited) },
        },
      );
    yield chunk;
    asked = performance.now();
  }
}
