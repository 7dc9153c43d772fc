/**
 * What of a file is a program, in memory: where its parts are when it runs, and how to find the addresses in them. Whoever
 * knows that can say how the file changes when its parts move (relocate.ts). Only 64-bit x86 code has an own way to be read.
 */
import { DeltaError } from "../errors.ts";
import { putVarint } from "../varint.ts";
import type { VarintReader } from "../varint.ts";

export interface Region {
  /** Byte of the file, and the low 32 bits of its address. Regions are in the order of the file and do not overlap. */
  readonly place: number;
  readonly address: number;
  /** Bytes. */
  readonly size: number;
  readonly kind: RegionKind;
}

/**
 * Machine code; or entries of so many bytes, at the beginning of which are so many words of 32 bits, each a distance from itself
 * to something else; or anything, in which a word counts when it is the distance to some code.
 */
export type RegionKind = "code" | "data" | { readonly entry: number; readonly words: number };

export interface Program {
  /** None: the file is no program, or one that nothing is known of. */
  readonly regions: readonly Region[];
  /** A list of 32-bit addresses, of words that are addresses themselves, as Linux has it for kernels that run anywhere. */
  readonly list: { readonly place: number; readonly size: number };
}

export const NO_PROGRAM: Program = { regions: [], list: { place: 0, size: 0 } };

export const WORD = 4;
const REGIONS_MAX = 256;
const ENTRY_MAX = 64;
/** Bytes; eight times what Debian's kernels have. Whoever moves a program has as many in memory besides. */
export const LIST_MAX = 8 * 1024 * 1024;
const ADDRESS_END = 2 ** 32;
/** Smaller numbers than any entry has. */
const [DATA, CODE] = [0, 1];

/** Numbers: of regions, for each its distance from the one before, address, size, and kind; then the list. */
export function renderProgram({ regions, list }: Program): Buffer {
  const numbers: number[] = [];
  putVarint(numbers, regions.length);
  let end = 0;
  for (const { place, address, size, kind } of regions) {
    for (const number of [place - end, address, size]) putVarint(numbers, number);
    if (typeof kind === "string") putVarint(numbers, kind === "code" ? CODE : DATA);
    else for (const number of [kind.entry, kind.words]) putVarint(numbers, number);
    end = place + size;
  }
  for (const number of [list.place, list.size]) putVarint(numbers, number);
  return Buffer.from(numbers);
}

/**
 * Inverse of {@link renderProgram}.
 * @param size bytes of the file. @throws DeltaError when something is outside of it
 */
export function parseProgram(numbers: VarintReader, size: number): Program {
  const count = numbers.next();
  if (count > REGIONS_MAX) throw new DeltaError(`a program has ${count} regions`);
  let end = 0;
  const regions = Array.from({ length: count }, () => {
    const region = { place: end + numbers.next(), address: numbers.next(), size: numbers.next(), kind: parseKind(numbers) };
    end = region.place + region.size;
    if (region.address + region.size > ADDRESS_END) throw new DeltaError("a region has no address");
    return region;
  });
  const list = { place: numbers.next(), size: numbers.next() };
  if (Math.max(end, list.place + list.size) > size || list.size > LIST_MAX) throw new DeltaError("a program is larger than its file");
  return { regions, list };
}

function parseKind(numbers: VarintReader): RegionKind {
  const entry = numbers.next();
  if (entry === DATA) return "data";
  if (entry === CODE) return "code";
  const words = numbers.next();
  if (entry > ENTRY_MAX || words * WORD > entry) throw new DeltaError(`a table has ${words} words in ${entry} bytes`);
  return { entry, words };
}

/** Places and addresses of a program, each found from the other; -1 where there is none. */
export interface AddressSpace {
  readonly placeOf: (address: number) => number;
  readonly addressOf: (place: number) => number;
  readonly isCode: (address: number) => boolean;
}

export function openAddresses({ regions }: Program): AddressSpace {
  const byAddress = finderIn(regions, ({ address }) => address);
  const byPlace = finderIn(regions, ({ place }) => place);
  return {
    placeOf: (address) => {
      const region = byAddress(address);
      return region === undefined ? -1 : region.place + address - region.address;
    },
    addressOf: (place) => {
      const region = byPlace(place);
      return region === undefined ? -1 : region.address + place - region.place;
    },
    isCode: (address) => byAddress(address)?.kind === "code",
  };
}

/** Most times it is the region of the time before. */
function finderIn(regions: readonly Region[], startOf: (region: Region) => number): (point: number) => Region | undefined {
  const sorted = [...regions].sort((a, b) => startOf(a) - startOf(b));
  const [starts, ends] = [sorted.map(startOf), sorted.map((region) => startOf(region) + region.size)];
  let last = 0;
  return (point) => {
    if (!(point >= starts[last]! && point < ends[last]!)) {
      const found = starts.findLastIndex((start) => start <= point);
      if (found < 0 || point >= ends[found]!) return undefined;
      last = found;
    }
    return sorted[last];
  };
}
