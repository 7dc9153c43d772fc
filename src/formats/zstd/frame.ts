/** Where the parts of a frame are (RFC 8878, 3.1.1). */
import { ZstdError } from "./errors.ts";

export const MAGIC = 0xfd2fb528;
export const CHECKSUM = 4;
/** Bytes that a block makes at most. */
export const BLOCK_MAX = 128 * 1024;

export type BlockKind = "raw" | "repeated" | "compressed";
const KINDS: readonly (BlockKind | undefined)[] = ["raw", "repeated", "compressed", undefined];

export interface Block {
  readonly kind: BlockKind;
  readonly last: boolean;
  /** Where its content is, behind three bytes of head. */
  readonly start: number;
  /** Bytes that it is in the frame. */
  readonly size: number;
  /** Bytes that it makes, where the head says so. */
  readonly makes: number | undefined;
}

export interface FrameHead {
  /** Where the first block is. */
  readonly end: number;
  readonly hasChecksum: boolean;
  /** Bytes of the content, where the head says so. */
  readonly makes: number | undefined;
}

/** @throws ZstdError also for a frame that needs a dictionary */
export function readFrameHead(bytes: Buffer, start: number): FrameHead {
  if (bytes.length < start + 6 || bytes.readUInt32LE(start) !== MAGIC) throw new ZstdError("there is no zstd frame");
  const flags = bytes[start + 4]!;
  const isSingle = (flags & 0x20) !== 0;
  if ((flags & 3) !== 0) throw new ZstdError("a frame needs a dictionary");
  const at = start + 5 + (isSingle ? 0 : 1);
  const width = [isSingle ? 1 : 0, 2, 4, 8][flags >> 6]!;
  if (at + width > bytes.length) throw new ZstdError("a frame ends early");
  return { end: at + width, hasChecksum: (flags & 4) !== 0, makes: width === 0 ? undefined : readSize(bytes, at, width) };
}

/** Two bytes begin where one ends; eight are more than there is memory for. */
function readSize(bytes: Buffer, at: number, width: number): number {
  if (width === 8) return Number(bytes.readBigUInt64LE(at));
  return bytes.readUIntLE(at, width) + (width === 2 ? 256 : 0);
}

/** @param start of its head */
export function readBlock(bytes: Buffer, start: number): Block {
  if (bytes.length < start + 3) throw new ZstdError("a frame ends early");
  const head = bytes.readUIntLE(start, 3);
  const kind = KINDS[(head >> 1) & 3];
  if (kind === undefined) throw new ZstdError("a block is of no known kind");
  const size = kind === "repeated" ? 1 : head >> 3;
  if (head >> 3 > BLOCK_MAX) throw new ZstdError("a block is too long");
  return { kind, last: (head & 1) === 1, start: start + 3, size, makes: kind === "compressed" ? undefined : head >> 3 };
}

/** Bytes of the file up to the end of the frame at `start`, by the heads of its blocks. @throws ZstdError */
export function frameEnd(bytes: Buffer, start: number): number {
  const head = readFrameHead(bytes, start);
  let at = head.end;
  for (let last = false; !last;) {
    const block = readBlock(bytes, at);
    last = block.last;
    at = block.start + block.size;
  }
  const end = at + (head.hasChecksum ? CHECKSUM : 0);
  if (end > bytes.length) throw new ZstdError("a frame ends early");
  return end;
}

export type LiteralKind = "raw" | "repeated" | "compressed" | "treeless";
const LITERALS: readonly LiteralKind[] = ["raw", "repeated", "compressed", "treeless"];

/** The literals of a compressed block. */
export interface LiteralHead {
  readonly kind: LiteralKind;
  /** How many there are. */
  readonly count: number;
  /** Bytes that they are in the block, behind this head; with the tree and the jump table. */
  readonly size: number;
  readonly streams: 1 | 4;
  readonly end: number;
}

export function readLiteralHead(bytes: Buffer, start: number): LiteralHead {
  const first = bytes[start] ?? 0;
  const kind = LITERALS[first & 3]!;
  const format = (first >> 2) & 3;
  if (kind === "raw" || kind === "repeated") {
    const length = [1, 2, 1, 3][format]!;
    const count = number(bytes, start, length) >> (length === 1 ? 3 : 4);
    return { kind, count, size: kind === "raw" ? count : 1, streams: 1, end: start + length };
  }
  const length = [3, 3, 4, 5][format]!;
  const width = [10, 10, 14, 18][format]!;
  const all = Math.floor(number(bytes, start, length) / 16);
  return { kind, count: all % 2 ** width, size: Math.floor(all / 2 ** width), streams: format === 0 ? 1 : 4, end: start + length };
}

function number(bytes: Buffer, start: number, length: number): number {
  if (start + length > bytes.length) throw new ZstdError("a block ends early");
  return bytes.readUIntLE(start, length);
}

/** Bytes in front of four streams: the sizes of the first three. */
export const JUMP_TABLE = 6;

/** What each of the four streams of a block's literals holds (RFC 8878, 3.1.1.3.1.6). */
export function quartersOf(literals: Buffer): Buffer[] {
  const quarter = (literals.length + 3) >> 2;
  return [0, 1, 2, 3].map((stream) => literals.subarray(stream * quarter, stream === 3 ? undefined : (stream + 1) * quarter));
}
