/**
 * The content of a frame, in no more memory than it has itself: a library that decompresses keeps a window besides, which for
 * the effort that kernels are compressed with is as large again.
 */
import { ZstdError } from "./errors.ts";
import { BLOCK_MAX, JUMP_TABLE, quartersOf } from "./frame.ts";
import { readLiterals } from "./huffman.ts";
import { endsOf } from "./matches.ts";
import type { MatchBlock } from "./matches.ts";
import { createRoom, readSequences } from "./sequences.ts";
import type { Sequences } from "./sequences.ts";
import { walkFrame } from "./walk-frame.ts";
import type { BlockParts } from "./walk-frame.ts";

export interface FrameContent {
  /** In memory of its own. */
  readonly content: Buffer;
  /** Blocks that have sequences. */
  readonly blocks: readonly MatchBlock[];
}

/** @param most bytes that it may have. @throws ZstdError */
export function readFrame(bytes: Buffer, start: number, most: number): FrameContent {
  // Pages that nothing is written to take no memory.
  const content = Buffer.allocUnsafeSlow(most);
  const blocks: MatchBlock[] = [];
  const copy = createCopier(content);
  const [roomFor, room] = [createRoom(), Buffer.alloc(BLOCK_MAX)];
  let size = 0;
  for (const { block, parts } of walkFrame(bytes, start)) {
    const end = block.start + block.size;
    if (size + (block.makes ?? 0) > most) throw new ZstdError(`a frame has more than ${most} bytes`);
    if (block.kind === "raw") size += bytes.copy(content, size, block.start, end);
    else if (block.kind === "repeated") content.fill(bytes[block.start]!, size, (size += block.makes!));
    if (parts === undefined) continue;
    const sequences = readSequences(bytes, parts.stream, roomFor(parts.stream.count));
    const literals = literalsIn(bytes.subarray(0, parts.head), parts, room);
    const ends = endsOf(sequences, literals.length, size);
    if (ends.end > most) throw new ZstdError(`a frame has more than ${most} bytes`);
    copy(literals, sequences, size);
    if (sequences.count > 0) blocks.push({ ...parts.stream, place: size, matchEnd: ends.matchEnd });
    size = ends.end;
  }
  return { content: content.subarray(0, size), blocks };
}

/** @param bytes up to the end of the literals. @param room is used for them */
function literalsIn(bytes: Buffer, { literals: { kind, count, end, streams }, tree, code }: BlockParts, room: Buffer): Buffer {
  if (count > BLOCK_MAX) throw new ZstdError("a block has too many literals");
  if (kind === "raw") return bytes.subarray(end, end + count);
  const literals = room.subarray(0, count);
  if (kind === "repeated") return literals.fill(bytes[end]!);
  if (code === undefined) throw new ZstdError("there is no tree before");
  if (streams === 1) {
    readLiterals(code, bytes.subarray(tree), literals);
    return literals;
  }
  if (tree + JUMP_TABLE > bytes.length) throw new ZstdError("literals end early");
  let at = tree + JUMP_TABLE;
  for (const [stream, part] of quartersOf(literals).entries()) {
    const next = stream === 3 ? bytes.length : at + bytes.readUInt16LE(tree + 2 * stream);
    readLiterals(code, bytes.subarray(at, next), part);
    at = next;
  }
  return literals;
}

type Copier = (literals: Buffer, sequences: Sequences, size: number) => void;

/** Does what sequences say that fit. It knows the last three distances (RFC 8878, 3.1.1.5). */
function createCopier(content: Buffer): Copier {
  let [first, second, third] = [1, 4, 8];
  const distanceOf = (offset: number, literals: number): number => {
    if (offset > 3) {
      [first, second, third] = [offset - 3, first, second];
      return first;
    }
    const which = offset + (literals === 0 ? 1 : 0);
    if (which === 1) return first;
    const distance = which === 2 ? second : which === 3 ? third : first - 1;
    [first, second, third] = [distance, first, which === 2 ? third : second];
    return distance;
  };
  return (literals, { count, literals: lengths, matches, offsets }, start) => {
    let [size, used] = [start, 0];
    const take = (length: number): void => {
      for (let end = size + length; size < end;) content[size++] = literals[used++]!;
    };
    for (let at = 0; at < count; at++) {
      take(lengths[at]!);
      const distance = distanceOf(offsets[at]!, lengths[at]!);
      const end = size + matches[at]!;
      if (distance <= 0 || distance > size) throw new ZstdError("a match is outside of the content");
      for (; size < end; size++) content[size] = content[size - distance]!;
    }
    take(literals.length - used);
  };
}
