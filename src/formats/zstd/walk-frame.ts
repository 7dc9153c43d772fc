/** The blocks of a frame in order, with what each of them takes from those before it. */
import { ZstdError } from "./errors.ts";
import { readBlock, readFrameHead, readLiteralHead } from "./frame.ts";
import type { Block, LiteralHead } from "./frame.ts";
import { readHuffmanCode } from "./huffman.ts";
import type { HuffmanCode } from "./huffman.ts";
import { readSequenceHead } from "./sequences.ts";
import type { SequenceStream, SequenceTables } from "./sequences.ts";

export interface WalkedBlock {
  readonly block: Block;
  /** Undefined for a block that is not compressed. */
  readonly parts: BlockParts | undefined;
}

/** Places are of the file. */
export interface BlockParts {
  readonly literals: LiteralHead;
  /** Behind the tree, or behind the one byte that is repeated. */
  readonly tree: number;
  readonly code: HuffmanCode | undefined;
  /** Where the head of the sequences begins. */
  readonly head: number;
  readonly stream: SequenceStream;
}

/** What a block takes from those before it. */
export interface Before {
  tables: SequenceTables | undefined;
  code: HuffmanCode | undefined;
}

/** @param start of the frame. @throws ZstdError */
export function* walkFrame(bytes: Buffer, start: number): Generator<WalkedBlock> {
  const before: Before = { tables: undefined, code: undefined };
  let at = readFrameHead(bytes, start).end;
  for (let last = false; !last;) {
    const block = readBlock(bytes, at);
    at = block.start + block.size;
    if (at > bytes.length) throw new ZstdError("a frame ends early");
    last = block.last;
    yield { block, parts: block.kind === "compressed" ? readParts(bytes.subarray(0, at), block.start, before) : undefined };
  }
}

function readParts(bytes: Buffer, start: number, before: Before): BlockParts {
  const literals = readLiteralHead(bytes, start);
  const tree = treeEnd(bytes, literals, before);
  const head = literals.end + literals.size;
  const { value, end } = readSequenceHead(bytes, head, before.tables);
  before.tables = value.tables;
  return { literals, tree, code: before.code, head, stream: { ...value, start: end, end: bytes.length } };
}

/** Where what stays of the literals ends: behind the tree, or the one byte that is repeated. */
export function treeEnd(bytes: Buffer, { kind, end, size }: LiteralHead, before: Before): number {
  if (kind === "repeated") return end + size;
  if (kind !== "compressed") return end;
  const tree = readHuffmanCode(bytes, end);
  before.code = tree.value;
  return tree.end;
}
