/** The codes of lengths and offsets, and the tables that streams have without saying (RFC 8878, 3.1.1.3.2.1.1 and 2.2). */
import { fseTable } from "./fse.ts";
import type { FseTable } from "./fse.ts";

interface Kind {
  readonly max: number;
  readonly log: number;
  readonly usual: FseTable;
}

const times = (count: number, times: number): number[] => Array.from({ length: times }, () => count);
export const KINDS: Readonly<Record<"literals" | "offsets" | "matches", Kind>> = {
  literals: {
    max: 35,
    log: 9,
    usual: fseTable([4, 3, ...times(2, 11), 1, 1, 1, ...times(2, 9), 3, 2, ...times(1, 5), ...times(-1, 4)], 6),
  },
  offsets: { max: 31, log: 8, usual: fseTable([...times(1, 6), 2, 2, 2, ...times(1, 15), ...times(-1, 5)], 5) },
  matches: { max: 52, log: 9, usual: fseTable([1, 4, 3, ...times(2, 6), ...times(1, 37), ...times(-1, 7)], 6) },
};

/** Bits beside each code, and the value that they are added to. */
export const LITERAL_BITS = Uint8Array.of(...times(0, 16), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
export const MATCH_BITS = Uint8Array.of(...times(0, 32), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
const MATCH_MIN = 3;
export const LITERAL_BASES = basesOf(LITERAL_BITS, 0);
export const MATCH_BASES = basesOf(MATCH_BITS, MATCH_MIN);
const LITERAL_CODES = codesOf(LITERAL_BASES, 64);
const MATCH_CODES = codesOf(MATCH_BASES, 128 + MATCH_MIN);

function basesOf(bits: Uint8Array, first: number): Uint32Array {
  const bases = new Uint32Array(bits.length);
  for (let code = 0, base = first; code < bits.length; base += 1 << bits[code++]!) bases[code] = base;
  return bases;
}

/** Codes of small values; those of larger ones follow from their highest bit. */
function codesOf(bases: Uint32Array, below: number): Uint8Array {
  const codes = new Uint8Array(below);
  for (let value = bases[0]!, code = 0; value < below; value++) {
    while (code + 1 < bases.length && bases[code + 1]! <= value) code++;
    codes[value] = code;
  }
  return codes;
}

export const literalCode = (value: number): number => (value < 64 ? LITERAL_CODES[value]! : 50 - Math.clz32(value));
export const matchCode = (value: number): number => (value < 128 + MATCH_MIN ? MATCH_CODES[value]! : 67 - Math.clz32(value - MATCH_MIN));
