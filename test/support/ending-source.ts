/** A source whose reader is killed. */
import { withOpen } from "#registry/stream.ts";
import type { ReleaseSource } from "#registry/stream.ts";

/** Ends the reader as a signal would: with an error that nothing makes up for, after so many bytes of data. */
export function endingAfter(source: ReleaseSource, bytes: number): ReleaseSource {
  async function* cut(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let sent = 0;
    for await (const chunk of stream) {
      if ((sent += chunk.length) > bytes) throw new TypeError("killed");
      yield chunk;
    }
  }
  return withOpen(source, async (path, ...how) => {
    const stream = await source.open(path, ...how);
    return stream === undefined || !path.endsWith(".data") ? stream : cut(stream);
  });
}
