/**
 * A zstd frame taken apart, so that it can be put together again bit for bit (close-frame.ts), whatever compressor with
 * whatever effort made it.
 *
 * What is inside a compressed file can be sent as what changed in it, if the machine can compress it as it was. For level 22
 * that takes a minute and a gigabyte. But nearly all of it is the search for sequences: with these given, only entropy coding
 * is left, and that has one outcome.
 */
import { ZstdError } from "./errors.ts";
import { CHECKSUM, readBlock, readFrameHead, readLiteralHead } from "./frame.ts";
import type { Block, LiteralHead } from "./frame.ts";
import { readHuffmanCode } from "./huffman.ts";
import type { HuffmanCode } from "./huffman.ts";
import { readSequenceHead, readSequences } from "./sequences.ts";
import type { SequenceTables } from "./sequences.ts";

export interface OpenFrame {
  /** Heads of the frame and of its blocks, trees and tables, and the checksum, as they are. */
  readonly skeleton: Buffer;
  /** Of all blocks; those of a block count in its place. */
  readonly sequences: Matches;
  /** Blocks that have sequences. */
  readonly blocks: readonly { readonly sequences: number; readonly start: number }[];
  /** Bytes that it makes. */
  readonly size: number;
  /** Where it ends in its file. */
  readonly end: number;
}

/** Sequences by where they are in the content: 12 bytes each. */
export interface Matches {
  readonly count: number;
  /** Where the bytes that repeat earlier ones are, and how many. */
  readonly starts: Uint32Array;
  readonly lengths: Uint32Array;
  /** As in {@link Sequences}. */
  readonly offsets: Uint32Array;
}

/** What a block takes from those before it. */
export interface Before {
  tables: SequenceTables | undefined;
  code: HuffmanCode | undefined;
}

/** A file with more, compressed, takes more memory than an update may. */
const SEQUENCES_MAX = 8 * 1024 * 1024;

interface FoundBlock {
  readonly block: Block;
  readonly literals: number;
  readonly tables: SequenceTables | undefined;
  readonly sequences: number;
  /** Where the stream of its sequences begins. */
  readonly stream: number;
}

/**
 * Takes all but the content out of a frame.
 * @throws ZstdError for what is no frame, a damaged one, or one with too many sequences
 */
export function openFrame(bytes: Buffer, start: number): OpenFrame {
  const head = readFrameHead(bytes, start);
  const skeleton: Buffer[] = [bytes.subarray(start, head.end)];
  const found: FoundBlock[] = [];
  const before: Before = { tables: undefined, code: undefined };
  let at = head.end;
  for (let last = false; !last;) {
    const block = readBlock(bytes, at);
    skeleton.push(bytes.subarray(at, block.start));
    at = block.start + block.size;
    if (at > bytes.length) throw new ZstdError("a frame ends early");
    last = block.last;
    found.push(findParts(bytes.subarray(0, at), block, before, skeleton));
  }
  const end = at + (head.hasChecksum ? CHECKSUM : 0);
  if (end > bytes.length) throw new ZstdError("a frame ends early");
  skeleton.push(bytes.subarray(at, end));
  return { skeleton: Buffer.concat(skeleton), ...readAll(bytes, found), end };
}

function findParts(bytes: Buffer, block: Block, before: Before, skeleton: Buffer[]): FoundBlock {
  if (block.kind !== "compressed") {
    if (block.kind === "repeated") skeleton.push(bytes.subarray(block.start, block.start + 1));
    return { block, literals: block.makes ?? 0, tables: undefined, sequences: 0, stream: 0 };
  }
  const literals = readLiteralHead(bytes, block.start);
  skeleton.push(bytes.subarray(block.start, treeEnd(bytes, literals, before)));
  const { value, end } = readSequenceHead(bytes, literals.end + literals.size, before.tables);
  skeleton.push(bytes.subarray(literals.end + literals.size, end));
  before.tables = value.tables;
  return { block, literals: literals.count, tables: value.tables, sequences: value.count, stream: end };
}

/** Where what stays of the literals ends: behind the tree, or the one byte that is repeated. */
export function treeEnd(bytes: Buffer, { kind, end, size }: LiteralHead, before: Before): number {
  if (kind === "repeated") return end + size;
  if (kind !== "compressed") return end;
  const tree = readHuffmanCode(bytes, end);
  before.code = tree.value;
  return tree.end;
}

function readAll(bytes: Buffer, found: readonly FoundBlock[]): Pick<OpenFrame, "sequences" | "blocks" | "size"> {
  const count = found.reduce((sum, { sequences }) => sum + sequences, 0);
  if (count > SEQUENCES_MAX) throw new ZstdError(`a frame has ${count} sequences`);
  const all = { count, starts: new Uint32Array(count), lengths: new Uint32Array(count), offsets: new Uint32Array(count) };
  const blocks: { sequences: number; start: number }[] = [];
  let [at, size] = [0, 0];
  for (const { block, literals, tables, sequences, stream } of found) {
    const part = readSequences(bytes, stream, block.start + block.size, sequences, tables);
    if (part.count > 0) blocks.push({ sequences, start: size });
    let [place, used] = [size, 0];
    for (let each = 0; each < part.count; each++, at++) {
      [place, used] = [place + part.literals[each]!, used + part.literals[each]!];
      [all.starts[at], all.lengths[at], all.offsets[at]] = [place, part.matches[each]!, part.offsets[each]!];
      place += part.matches[each]!;
    }
    if (used > literals) throw new ZstdError("a block has too few literals");
    size = place + literals - used;
  }
  return { sequences: all, blocks, size };
}
