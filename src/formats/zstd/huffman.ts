/** Huffman trees of literals (RFC 8878, 4.2). */
import { BackwardBits, BitWriter } from "./bits.ts";
import { ZstdError } from "./errors.ts";
import { readFseTable } from "./fse.ts";
import type { Described } from "./fse.ts";

const SYMBOLS = 256;
const BITS_MAX = 11;
const WEIGHT_LOG_MAX = 6;

export interface HuffmanCode {
  /** By symbol: its code and how many bits that has; none for a symbol that is not there. */
  readonly codes: Uint16Array;
  readonly lengths: Uint8Array;
}

/** @throws ZstdError */
export function readHuffmanCode(bytes: Uint8Array, start: number): Described<HuffmanCode> {
  const head = bytes[start] ?? 0;
  if (head < 128) {
    const end = start + 1 + head;
    return { value: codeOf(compressedWeights(bytes, start + 1, end)), end };
  }
  const count = head - 127;
  const weights = Array.from({ length: count }, (_, at) => {
    const pair = bytes[start + 1 + (at >> 1)] ?? 0;
    return at % 2 === 0 ? pair >> 4 : pair & 15;
  });
  return { value: codeOf(weights), end: start + 1 + ((count + 1) >> 1) };
}

/** Two states take turns until the stream has no bits for the next one. */
function compressedWeights(bytes: Uint8Array, start: number, end: number): number[] {
  const { value: table, end: streamStart } = readFseTable(bytes, start, BITS_MAX + 1, WEIGHT_LOG_MAX);
  if (streamStart >= end) throw new ZstdError("a tree ends early");
  const bits = new BackwardBits(bytes, streamStart, end);
  const states = [bits.read(table.log), bits.read(table.log)];
  const weights: number[] = [];
  for (let turn = 0; ; turn ^= 1) {
    if (weights.length >= SYMBOLS - 1) throw new ZstdError("a tree has too many weights");
    const state = states[turn]!;
    weights.push(table.symbols[state]!);
    states[turn] = table.bases[state]! + bits.read(table.bits[state]!);
    if (bits.left >= 0) continue;
    weights.push(table.symbols[states[turn ^ 1]!]!);
    return weights;
  }
}

/** The weight of the last symbol is what is missing to a power of two. */
function codeOf(weights: readonly number[]): HuffmanCode {
  const total = weights.reduce((sum, weight) => sum + (weight === 0 ? 0 : 2 ** (weight - 1)), 0);
  const most = 32 - Math.clz32(total);
  const rest = 2 ** most - total;
  if (total === 0 || most > BITS_MAX || (rest & (rest - 1)) !== 0) throw new ZstdError("the weights of a tree are wrong");
  const all = [...weights, 32 - Math.clz32(rest)];
  const [codes, lengths] = [new Uint16Array(SYMBOLS), new Uint8Array(SYMBOLS)];
  // From the longest codes to the shortest: places in a table of all codes of the longest length.
  let place = 0;
  for (let weight = 1; weight <= most; weight++) {
    for (const [symbol, its] of all.entries()) {
      if (its !== weight) continue;
      lengths[symbol] = most + 1 - weight;
      codes[symbol] = place >> (weight - 1);
      place += 1 << (weight - 1);
    }
  }
  return { codes, lengths };
}

/** Makes the stream that zstd makes, which begins with the last literal. @param into where it goes. @returns its bytes */
export function writeLiterals({ codes, lengths }: HuffmanCode, literals: Uint8Array, into: Buffer): number {
  const bits = new BitWriter(into);
  for (let at = literals.length - 1; at >= 0; at--) {
    const length = lengths[literals[at]!]!;
    if (length === 0) throw new ZstdError("a literal is not in its tree");
    bits.add(codes[literals[at]!]!, length);
  }
  return bits.finish();
}
