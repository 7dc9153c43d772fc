/**
 * The content of a frame, in no more memory than it has itself. A library that does not know how much there will be keeps a
 * window besides, which for the effort that kernels are compressed with is as large again; so it is told.
 */
import { release, unpackAtOnce } from "../memory.ts";
import { ZstdError } from "./errors.ts";
import { frameEnd, readFrameHead } from "./frame.ts";
import { endsOf } from "./matches.ts";
import type { MatchBlock } from "./matches.ts";
import { createRoom, readSequences } from "./sequences.ts";
import { walkFrame } from "./walk-frame.ts";

export interface FrameContent {
  /** In memory of its own. */
  readonly content: Buffer;
  /** Blocks that have sequences. */
  readonly blocks: readonly MatchBlock[];
}

/** @param most bytes that it may have. @throws ZstdError */
export function readFrame(bytes: Buffer, start: number, most: number): FrameContent {
  const blocks: MatchBlock[] = [];
  const roomFor = createRoom();
  let size = 0;
  for (const { block, parts } of walkFrame(bytes, start)) {
    if (parts === undefined) size += block.makes ?? 0;
    else {
      const sequences = readSequences(bytes, parts.stream, roomFor(parts.stream.count));
      const ends = endsOf(sequences, parts.literals.count, size);
      if (sequences.count > 0) blocks.push({ ...parts.stream, place: size, matchEnd: ends.matchEnd });
      size = ends.end;
    }
    if (size > most) throw new ZstdError(`a frame has more than ${most} bytes`);
  }
  return { content: contentOf(bytes.subarray(start, frameEnd(bytes, start)), size), blocks };
}

/**
 * Without its blocks: where a frame says how much it makes, nothing of it is read twice.
 * @param most bytes that it may have
 * @throws ZstdError
 */
export function readContent(bytes: Buffer, start: number, most: number): Buffer {
  const { makes } = readFrameHead(bytes, start);
  if (makes === undefined) return readFrame(bytes, start, most).content;
  if (makes > most) throw new ZstdError(`a frame has more than ${most} bytes`);
  return contentOf(bytes.subarray(start, frameEnd(bytes, start)), makes);
}

/** @param size that it has, by its blocks */
function contentOf(frame: Buffer, size: number): Buffer {
  const sized = withSize(frame, size);
  try {
    const content = unpackAtOnce(sized, size);
    if (content.length !== size) throw new ZstdError(`a frame has ${content.length} bytes instead of ${size}`);
    return content;
  } catch (error) {
    // What zstd refuses has a code of its own for each reason.
    if (error instanceof Error && "code" in error) throw new ZstdError("a frame is damaged", { cause: error });
    throw error;
  } finally {
    if (sized !== frame) release(sized);
  }
}

/** Content sizes in four bytes (RFC 8878, 3.1.1.1.1.1). */
const SIZE_FLAG = 0x80;
const HEAD = 6;

/** The frame with the size of its content in its head; one that says a size is left as it is. */
function withSize(frame: Buffer, size: number): Buffer {
  const { end, makes } = readFrameHead(frame, 0);
  if (makes !== undefined) return frame;
  const sized = Buffer.allocUnsafeSlow(frame.length + 4);
  frame.copy(sized, 0, 0, HEAD);
  sized[4]! |= SIZE_FLAG;
  sized.writeUInt32LE(size, HEAD);
  frame.copy(sized, HEAD + 4, end);
  return sized;
}
