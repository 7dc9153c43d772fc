/** Puts a frame together again of its parts (open-frame.ts). */
import { ZstdError } from "./errors.ts";
import { BLOCK_MAX, CHECKSUM, JUMP_TABLE, quartersOf, readBlock, readFrameHead, readLiteralHead } from "./frame.ts";
import { writeLiterals } from "./huffman.ts";
import type { HuffmanCode } from "./huffman.ts";
import { readSequenceHead, writeSequences } from "./sequences.ts";
import type { Sequences } from "./sequences.ts";
import { treeEnd } from "./walk-frame.ts";
import type { Before } from "./walk-frame.ts";

export interface FrameParts {
  readonly skeleton: Buffer;
  /** The next sequences, of a block whose content starts at `start`; used until the next ones are taken. */
  readonly take: (count: number, start: number) => Sequences;
  /** Bytes of the content. */
  readonly size: number;
  /** So many bytes of the content at `place`, at most those of a block; used until others are read. */
  readonly read: (place: number, length: number) => Buffer;
}

/**
 * Makes the frame that the parts are of.
 * @param write takes what was made, in order; the bytes are others afterwards
 * @throws ZstdError when these are no parts of one frame
 */
export function closeFrame(parts: FrameParts, write: (bytes: Buffer) => void): void {
  const { skeleton, size, read } = parts;
  const head = readFrameHead(skeleton, 0);
  write(skeleton.subarray(0, head.end));
  const [made, room] = [Buffer.alloc(BLOCK_MAX), Buffer.alloc(BLOCK_MAX)];
  const before: Before = { tables: undefined, code: undefined };
  let [at, place] = [head.end, 0];
  for (let last = false; !last;) {
    const block = readBlock(skeleton, at);
    last = block.last;
    write(skeleton.subarray(at, block.start));
    at = block.start;
    if (block.kind === "compressed") {
      const done = closeBlock(parts, { at, place, before }, { made, room });
      if (done.size !== block.size) throw new ZstdError(`a block has ${done.size} bytes instead of ${block.size}`);
      write(made.subarray(0, done.size));
      [at, place] = [done.at, done.place];
      continue;
    }
    const makes = block.makes ?? 0;
    if (place + makes > size) throw new ZstdError("there is too little content");
    write(block.kind === "raw" ? read(place, makes) : skeleton.subarray(at, at + 1));
    at += block.kind === "raw" ? 0 : 1;
    place += makes;
  }
  if (place !== size || skeleton.length - at !== (head.hasChecksum ? CHECKSUM : 0)) throw new ZstdError("parts are left over");
  write(skeleton.subarray(at));
}

interface Place {
  /** In the skeleton. */
  readonly at: number;
  /** In the content. */
  readonly place: number;
}

function closeBlock(
  { skeleton, take, size, read }: FrameParts,
  { at, place, before }: Place & { before: Before },
  { made: into, room }: { readonly made: Buffer; readonly room: Buffer },
): Place & { size: number } {
  const literals = readLiteralHead(skeleton, at);
  const tree = treeEnd(skeleton, literals, before);
  const { value, end } = readSequenceHead(skeleton, tree, before.tables);
  before.tables = value.tables;
  const sequences = take(value.count, place);
  const makes = sequences.matches.reduce((sum, match) => sum + match, literals.count);
  if (makes > BLOCK_MAX || place + makes > size) throw new ZstdError("a block makes too much");
  const bytes = room.subarray(0, literals.count);
  takeLiterals(read(place, makes), sequences, bytes);
  let made = put(skeleton.subarray(at, tree), into, 0);
  if (literals.kind === "raw") made = put(bytes, into, made);
  else if (literals.kind !== "repeated") {
    if (before.code === undefined) throw new ZstdError("there is no tree before");
    made += writeStreams(before.code, bytes, literals.streams, into.subarray(made));
  }
  made = put(skeleton.subarray(tree, end), into, made);
  if (value.count > 0 && value.tables !== undefined) made += writeSequences(sequences, value.tables, into.subarray(made));
  return { at: end, place: place + makes, size: made };
}

function put(bytes: Buffer, into: Buffer, at: number): number {
  if (at + bytes.length > into.length) throw new ZstdError("a block is too long");
  bytes.copy(into, at);
  return at + bytes.length;
}

/** What no match makes of a block's content. */
function takeLiterals(content: Buffer, { count, literals, matches }: Sequences, taken: Buffer): void {
  let [filled, at] = [0, 0];
  const copy = (length: number): void => {
    if (filled + length > taken.length) throw new ZstdError("a block has too few literals");
    content.copy(taken, filled, at, at + length);
    [filled, at] = [filled + length, at + length];
  };
  for (let sequence = 0; sequence < count; sequence++) {
    copy(literals[sequence]!);
    at += matches[sequence]!;
  }
  copy(taken.length - filled);
}

function writeStreams(code: HuffmanCode, literals: Buffer, streams: 1 | 4, into: Buffer): number {
  if (streams === 1) return writeLiterals(code, literals, into);
  let at = JUMP_TABLE;
  for (const [stream, part] of quartersOf(literals).entries()) {
    const size = writeLiterals(code, part, into.subarray(at));
    if (stream < 3) into.writeUInt16LE(size, stream * 2);
    at += size;
  }
  return at;
}
