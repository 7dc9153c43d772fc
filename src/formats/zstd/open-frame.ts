/**
 * A zstd frame taken apart, so that it can be put together again bit for bit (close-frame.ts), whatever compressor with
 * whatever effort made it.
 *
 * What is inside a compressed file can be sent as what changed in it, if the machine can compress it as it was. For level 22
 * that takes a minute and a gigabyte. But nearly all of it is the search for sequences: with these given, only entropy coding
 * is left, and that has one outcome.
 */
import { ZstdError } from "./errors.ts";
import { CHECKSUM, readFrameHead } from "./frame.ts";
import { endsOf } from "./matches.ts";
import type { MatchBlock } from "./matches.ts";
import { createRoom, readSequences } from "./sequences.ts";
import { walkFrame } from "./walk-frame.ts";

export interface OpenFrame {
  /** Heads of the frame and of its blocks, trees and tables, and the checksum, as they are. */
  readonly skeleton: Buffer;
  /** Blocks that have sequences. */
  readonly blocks: readonly MatchBlock[];
  /** Bytes that it makes. */
  readonly size: number;
  /** Where it ends in its file. */
  readonly end: number;
}

/**
 * Takes all but the content out of a frame.
 * @throws ZstdError for what is no frame, and for a damaged one
 */
export function openFrame(bytes: Buffer, start: number): OpenFrame {
  const head = readFrameHead(bytes, start);
  const skeleton: Buffer[] = [bytes.subarray(start, head.end)];
  const blocks: MatchBlock[] = [];
  const roomFor = createRoom();
  let [at, size] = [head.end, 0];
  for (const { block, parts } of walkFrame(bytes, start)) {
    skeleton.push(bytes.subarray(at, block.start));
    at = block.start + block.size;
    if (parts === undefined) {
      if (block.kind === "repeated") skeleton.push(bytes.subarray(block.start, at));
      size += block.makes ?? 0;
      continue;
    }
    skeleton.push(bytes.subarray(block.start, parts.tree), bytes.subarray(parts.head, parts.stream.start));
    const ends = endsOf(readSequences(bytes, parts.stream, roomFor(parts.stream.count)), parts.literals.count, size);
    if (parts.stream.count > 0) blocks.push({ ...parts.stream, place: size, matchEnd: ends.matchEnd });
    size = ends.end;
  }
  const end = at + (head.hasChecksum ? CHECKSUM : 0);
  if (end > bytes.length) throw new ZstdError("a frame ends early");
  skeleton.push(bytes.subarray(at, end));
  return { skeleton: Buffer.concat(skeleton), blocks, size, end };
}
