/** Finite state entropy: tables and how they are described (RFC 8878, 4.1). */
import { ZstdError } from "./errors.ts";

export interface FseTable {
  /** A table has two to the power of this many states. */
  readonly log: number;
  /** By state: the symbol, the bits to read after it, and what they are added to for the next state. */
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
  readonly bases: Uint16Array;
  /** By symbol: how many states it has, and where they begin in `places`; -1 counts as one. */
  readonly counts: Uint16Array;
  readonly firsts: Uint16Array;
  /** The states of each symbol, ascending. */
  readonly places: Uint16Array;
}

/** @param counts of each symbol; -1 for a symbol that is rarer than once */
export function fseTable(counts: readonly number[], log: number): FseTable {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  let high = size;
  for (const [symbol, count] of counts.entries()) if (count === -1) symbols[--high] = symbol;
  const step = (size >> 1) + (size >> 3) + 3;
  let at = 0;
  for (const [symbol, count] of counts.entries()) {
    for (let placed = 0; placed < count; placed++) {
      symbols[at] = symbol;
      do at = (at + step) & (size - 1);
      while (at >= high);
    }
  }
  if (at !== 0) throw new ZstdError("counts do not fill their table");
  return withStates(
    log,
    symbols,
    Uint16Array.from(counts, (count) => Math.abs(count)),
  );
}

/** One symbol only: it takes no bits. */
export function singleTable(symbol: number): FseTable {
  const counts = new Uint16Array(symbol + 1);
  counts[symbol] = 1;
  return withStates(0, Uint8Array.of(symbol), counts);
}

function withStates(log: number, symbols: Uint8Array, counts: Uint16Array): FseTable {
  const size = 1 << log;
  const firsts = new Uint16Array(counts.length);
  for (let symbol = 1; symbol < counts.length; symbol++) firsts[symbol] = firsts[symbol - 1]! + counts[symbol - 1]!;
  const [bits, bases, places] = [new Uint8Array(size), new Uint16Array(size), new Uint16Array(size)];
  const seen = new Uint16Array(counts.length);
  for (let state = 0; state < size; state++) {
    const symbol = symbols[state]!;
    const next = counts[symbol]! + seen[symbol]!;
    places[firsts[symbol]! + seen[symbol]!++] = state;
    bits[state] = log - (31 - Math.clz32(next));
    bases[state] = (next << bits[state]!) - size;
  }
  return { log, symbols, bits, bases, counts, firsts, places };
}

export interface Described<T> {
  readonly value: T;
  /** Where its description ends. */
  readonly end: number;
}

/** @param maxSymbol the largest symbol that there may be. @param maxLog of the table */
export function readFseTable(bytes: Uint8Array, start: number, maxSymbol: number, maxLog: number): Described<FseTable> {
  let bit = start * 8;
  const peek = (count: number): number => {
    const at = bit >> 3;
    const word = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
    return (word >> (bit & 7)) & ((1 << count) - 1);
  };
  const log = peek(4) + 5;
  bit += 4;
  if (log > maxLog) throw new ZstdError(`a table has 2^${log} states`);
  const counts: number[] = [];
  for (let left = (1 << log) + 1; left > 1;) {
    const width = 32 - Math.clz32(left);
    const limit = (1 << width) - 1 - left;
    let value = peek(width - 1);
    if (value < limit) bit += width - 1;
    else {
      value = peek(width);
      if (value >= 1 << (width - 1)) value -= limit;
      bit += width;
    }
    counts.push(value - 1);
    left -= Math.abs(value - 1);
    for (let repeat = value === 1 ? 3 : 0; repeat === 3;) {
      repeat = peek(2);
      bit += 2;
      for (let more = 0; more < repeat; more++) counts.push(0);
      if (counts.length > maxSymbol + 1) break;
    }
    if (counts.length > maxSymbol + 1 || left < 1) throw new ZstdError("a table is not described as it has to be");
  }
  return { value: fseTable(counts, log), end: (bit + 7) >> 3 };
}
