/** The strict reader for archives that come as a stream: the same rules, and no more in memory than one header. */
import { BLOCK, tarError } from "./entry.ts";
import type { TarEntry } from "./entry.ts";
import { readTarHeader } from "./header.ts";
import { createPathLedger } from "./path.ts";
import { EXTENSION_MAX, TAR_ENTRIES_MAX, isZero, makeEntry, readExtension, refuseSpecial } from "./reader.ts";
import type { Extension, TarLimits } from "./reader.ts";

export interface StreamedEntry {
  /** A file's `content` is empty here. */
  readonly entry: TarEntry;
  /** Bytes of content. */
  readonly size: number;
  /** Can be read once, before the next entry is asked for; what is not read is passed over. */
  readonly content: AsyncIterable<Buffer>;
}

const NOTHING = Buffer.alloc(0);

/**
 * Reads the entries of an archive in its order.
 * @throws E_TAR_* naming the entry's number, and what `bytes` throws
 */
export async function* readTarStream(bytes: AsyncIterable<Buffer>, limits: TarLimits = {}): AsyncGenerator<StreamedEntry> {
  const queue = queueOf(bytes);
  const ledger = createPathLedger();
  let extension: Extension = {};
  let count = 0;
  try {
    for (;;) {
      const number = count + 1;
      const block = await queue.take(BLOCK);
      if (block.length < BLOCK) throw tarError("E_TAR_TRUNCATED", number, "the archive ends without its end mark");
      if (block[0] === 0 && isZero(block)) break;
      if (++count > (limits.entries ?? TAR_ENTRIES_MAX)) throw tarError("E_TAR_LIMIT", number, "too many entries");
      const header = readTarHeader(block, number);
      if ("LKx".includes(header.typeFlag) && header.size > EXTENSION_MAX)
        throw tarError("E_TAR_LIMIT", number, `a header of ${header.size} bytes`);
      const next = "LKxg".includes(header.typeFlag) ? await queue.take(header.typeFlag === "g" ? 0 : header.size) : undefined;
      if (next !== undefined) {
        if (header.typeFlag !== "g" && next.length < header.size) throw tarError("E_TAR_TRUNCATED", number, "a header ends early");
        extension = readExtension(extension, header, { content: next, number }) ?? {};
        await queue.take(padding(header.size));
        continue;
      }
      const entry = makeEntry(header, extension, { content: NOTHING, number });
      extension = {};
      refuseSpecial(entry, limits, number);
      ledger.admit(entry, number);
      const short = (): Error => tarError("E_TAR_TRUNCATED", number, `${header.size} bytes of content are not all there`);
      yield { entry, size: header.size, content: queue.pass(header.size, short) };
      // A generator that its reader left early is at its end: the queue knows better what is left.
      for await (const _rest of queue.pass(queue.left(), short));
      await queue.take(padding(header.size));
    }
    if (extension.pax ?? extension.name ?? extension.linkName)
      throw tarError("E_TAR_SYNTAX", count, "a long name or PAX header belongs to no entry");
    for (let rest = await queue.take(BLOCK); rest.length > 0; rest = await queue.take(BLOCK))
      if (!isZero(rest)) throw tarError("E_TAR_SYNTAX", count, "something follows the end mark");
  } finally {
    await queue.close();
  }
}

interface ByteQueue {
  /** The next `size` bytes, fewer at the end. */
  take(size: number): Promise<Buffer>;
  /** The next `size` bytes as they come; `short` makes the error when the end comes before. */
  pass(size: number, short: () => Error): AsyncGenerator<Buffer>;
  /** What the last `pass` has not given out. */
  left(): number;
  close(): Promise<void>;
}

function queueOf(bytes: AsyncIterable<Buffer>): ByteQueue {
  const source = bytes[Symbol.asyncIterator]();
  let held: Buffer = NOTHING;
  let passing = 0;
  /** At most `size` bytes of what is there; none at the end. */
  const some = async (size: number): Promise<Buffer> => {
    while (held.length === 0) {
      const { done, value } = await source.next();
      if (done === true) return NOTHING;
      held = value;
    }
    const taken = held.subarray(0, size);
    held = held.subarray(taken.length);
    return taken;
  };
  return {
    async take(size) {
      // Most headers lie in one chunk.
      if (held.length >= size) return some(size);
      const parts: Buffer[] = [];
      for (let left = size; left > 0;) {
        const part = await some(left);
        if (part.length === 0) break;
        parts.push(part);
        left -= part.length;
      }
      return Buffer.concat(parts);
    },
    pass(size, short) {
      passing = size;
      return (async function* () {
        while (passing > 0) {
          const part = await some(passing);
          if (part.length === 0) throw short();
          passing -= part.length;
          yield part;
        }
      })();
    },
    left: () => passing,
    async close() {
      await source.return?.(undefined);
    },
  };
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}
