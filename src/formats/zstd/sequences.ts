/** The sequences of a block: so many literals, then so many bytes from so far back (RFC 8878, 3.1.1.3.2). */
import { BackwardBits, BitWriter } from "./bits.ts";
import { ZstdError } from "./errors.ts";
import { readFseTable, singleTable } from "./fse.ts";
import type { Described, FseTable } from "./fse.ts";
import { KINDS, LITERAL_BASES, LITERAL_BITS, MATCH_BASES, MATCH_BITS, literalCode, matchCode } from "./sequence-codes.ts";

/** As a stream has them; `offset` is what it says: 1 to 3 for an earlier one, 3 more than the distance otherwise. */
export interface Sequences {
  readonly count: number;
  readonly literals: Uint32Array;
  readonly matches: Uint32Array;
  readonly offsets: Uint32Array;
}

/** For the lengths of literals, for offsets, and for the lengths of matches. */
export interface SequenceTables {
  readonly literals: FseTable;
  readonly offsets: FseTable;
  readonly matches: FseTable;
}

/** The head of a block's sequences: their number, and the tables. @param before those of the block before */
export function readSequenceHead(
  bytes: Uint8Array,
  start: number,
  before: SequenceTables | undefined,
): Described<{ readonly count: number; readonly tables: SequenceTables | undefined }> {
  const first = bytes[start] ?? 0;
  const [count, size] =
    first < 128
      ? [first, 1]
      : first < 255
        ? [((first - 128) << 8) + (bytes[start + 1] ?? 0), 2]
        : [(bytes[start + 1] ?? 0) + ((bytes[start + 2] ?? 0) << 8) + 0x7f00, 3];
  let at = start + size;
  if (count === 0) return { value: { count, tables: before }, end: at };
  const modes = bytes[at++] ?? 0;
  const table = (kind: keyof SequenceTables, shift: number): FseTable => {
    const { max, log, usual } = KINDS[kind];
    const mode = (modes >> shift) & 3;
    if (mode === 0) return usual;
    if (mode === 1) {
      const symbol = bytes[at++] ?? 0;
      if (symbol > max) throw new ZstdError(`a table has a symbol ${symbol}`);
      return singleTable(symbol);
    }
    if (mode === 3) {
      if (before === undefined) throw new ZstdError("there is no table before");
      return before[kind];
    }
    const { value, end } = readFseTable(bytes, at, max, log);
    at = end;
    return value;
  };
  const [literals, offsets, matches] = [table("literals", 6), table("offsets", 4), table("matches", 2)];
  return { value: { count, tables: { literals, offsets, matches } }, end: at };
}

/** Where the sequences of a block are in a file. */
export interface SequenceStream {
  readonly start: number;
  readonly end: number;
  readonly count: number;
  /** There are none before the first sequences of a frame. */
  readonly tables: SequenceTables | undefined;
}

export function newSequences(count: number): Sequences {
  return { count, literals: new Uint32Array(count), matches: new Uint32Array(count), offsets: new Uint32Array(count) };
}

/** Room for the sequences of a block, used until there is some for the next one: a kernel has millions of them. */
export function createRoom(): (count: number) => Sequences {
  let room = newSequences(0);
  return (count) => {
    if (count > room.count) room = newSequences(count);
    const { literals, matches, offsets } = room;
    return { count, literals: literals.subarray(0, count), matches: matches.subarray(0, count), offsets: offsets.subarray(0, count) };
  };
}

/**
 * @param sequences takes them
 * @throws ZstdError for a stream that has more or fewer bits than its sequences
 */
export function readSequences(bytes: Uint8Array, { start, end, count, tables }: SequenceStream, sequences: Sequences): Sequences {
  // A block without sequences has no stream either.
  if (count === 0) return sequences;
  if (tables === undefined) throw new ZstdError("there is no table before");
  const bits = new BackwardBits(bytes, start, end);
  const { literals, offsets, matches } = tables;
  let [literal, offset, match] = [bits.read(literals.log), bits.read(offsets.log), bits.read(matches.log)];
  for (let at = 0; at < count; at++) {
    const [literalIs, offsetIs, matchIs] = [literals.symbols[literal]!, offsets.symbols[offset]!, matches.symbols[match]!];
    sequences.offsets[at] = 2 ** offsetIs + bits.read(offsetIs);
    sequences.matches[at] = MATCH_BASES[matchIs]! + bits.read(MATCH_BITS[matchIs]!);
    sequences.literals[at] = LITERAL_BASES[literalIs]! + bits.read(LITERAL_BITS[literalIs]!);
    if (at === count - 1) break;
    literal = literals.bases[literal]! + bits.read(literals.bits[literal]!);
    match = matches.bases[match]! + bits.read(matches.bits[match]!);
    offset = offsets.bases[offset]! + bits.read(offsets.bits[offset]!);
  }
  if (bits.left !== 0) throw new ZstdError(`the stream of sequences has ${bits.left} bits too many`);
  return sequences;
}

/** One of the three interleaved streams of states, written from its end. */
class StateWriter {
  readonly #table: FseTable;
  #state: number;

  /** Of the states of the last symbol zstd takes the first one. */
  constructor(table: FseTable, symbol: number) {
    this.#table = table;
    if ((table.counts[symbol] ?? 0) === 0) throw new ZstdError("a symbol is not in its table");
    this.#state = table.places[table.firsts[symbol]!]!;
  }

  add(symbol: number, bits: BitWriter): void {
    const { counts, firsts, places, log } = this.#table;
    const count = counts[symbol] ?? 0;
    if (count === 0) throw new ZstdError("a symbol is not in its table");
    const from = this.#state + (1 << log);
    // So many bits that what is left is a number of one of the symbol's states.
    let width = log - (31 - Math.clz32(count));
    if (from >> width < count) width--;
    else if (from >> width >= 2 * count) width++;
    bits.add(from & ((1 << width) - 1), width);
    this.#state = places[firsts[symbol]! + (from >> width) - count]!;
  }

  finish(bits: BitWriter): void {
    bits.add(this.#state, this.#table.log);
  }
}

/** Makes the stream that zstd makes. @param into where it goes. @returns its bytes */
export function writeSequences({ count, literals, matches, offsets }: Sequences, tables: SequenceTables, into: Buffer): number {
  const bits = new BitWriter(into);
  const addBits = (at: number): void => {
    const [literalIs, matchIs, offsetIs] = [literalCode(literals[at]!), matchCode(matches[at]!), 31 - Math.clz32(offsets[at]!)];
    bits.add(literals[at]! - LITERAL_BASES[literalIs]!, LITERAL_BITS[literalIs]!);
    bits.add(matches[at]! - MATCH_BASES[matchIs]!, MATCH_BITS[matchIs]!);
    bits.add(offsets[at]! - 2 ** offsetIs, offsetIs);
  };
  const last = count - 1;
  const match = new StateWriter(tables.matches, matchCode(matches[last]!));
  const offset = new StateWriter(tables.offsets, 31 - Math.clz32(offsets[last]!));
  const literal = new StateWriter(tables.literals, literalCode(literals[last]!));
  addBits(last);
  for (let at = last - 1; at >= 0; at--) {
    offset.add(31 - Math.clz32(offsets[at]!), bits);
    match.add(matchCode(matches[at]!), bits);
    literal.add(literalCode(literals[at]!), bits);
    addBits(at);
  }
  match.finish(bits);
  offset.finish(bits);
  literal.finish(bits);
  return bits.finish();
}
