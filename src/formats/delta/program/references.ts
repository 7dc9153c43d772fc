/**
 * The words of a program that speak of its own places. Found by rules that both sides of a difference follow alike: what they
 * miss or take wrongly costs some bytes, no more.
 */
import { firstWhere } from "../../search.ts";
import { WORD, openAddresses } from "./program.ts";
import type { AddressSpace, Program, Region } from "./program.ts";

/**
 * Called with the place of a word, the place that it speaks of, and the address that it counts from: {@link ABSOLUTE}, or one
 * near itself. It may change the word.
 */
export type Visit = (word: number, target: number, origin: number) => void;

export const ABSOLUTE = 0;

/** In the same order for the same content: those of the list, then region by region. */
export function visitReferences(content: Buffer, program: Program, visit: Visit): void {
  const addresses = openAddresses(program);
  const scan = { content, addresses, visit };
  const absolute = absoluteWords(content, program, addresses);
  for (let at = program.list.place; at + WORD <= program.list.place + program.list.size; at += WORD) visitAbsolute(scan, at);
  for (const word of absolute) visitAbsolute(scan, word);
  for (const region of program.regions) {
    if (typeof region.kind === "object") visitTable(scan, region, region.kind);
    else for (const gap of gapsIn(region, absolute)) (region.kind === "code" ? visitCode : visitData)(scan, region, gap);
  }
}

interface Scan {
  readonly content: Buffer;
  readonly addresses: AddressSpace;
  readonly visit: Visit;
}

interface Gap {
  readonly start: number;
  readonly end: number;
}

/** What is between the absolute words of a region. */
function* gapsIn({ place, size }: Region, absolute: Uint32Array): Generator<Gap> {
  let start = place;
  for (
    let next = firstWhere(absolute.length, (at) => absolute[at]! >= place);
    next < absolute.length && absolute[next]! < place + size;
    next++
  ) {
    yield { start, end: absolute[next]! };
    start = absolute[next]! + WORD;
  }
  yield { start, end: place + size };
}

/** The places that the list speaks of, in order. */
function absoluteWords(content: Buffer, { list }: Program, { placeOf }: AddressSpace): Uint32Array {
  const words = new Uint32Array(Math.floor(list.size / WORD));
  let count = 0;
  for (let at = 0; at < words.length; at++) {
    const address = content.readUInt32LE(list.place + at * WORD);
    const word = placeOf(address);
    // All of it lies in one region, whatever is behind the program.
    if (word >= 0 && placeOf(address + WORD - 1) === word + WORD - 1) words[count++] = word;
  }
  return words.subarray(0, count).sort();
}

function visitAbsolute({ content, addresses, visit }: Scan, word: number): void {
  const target = addresses.placeOf(content.readUInt32LE(word));
  if (target >= 0) visit(word, target, ABSOLUTE);
}

const [CALL, JUMP, ESCAPE] = [0xe8, 0xe9, 0x0f];

/**
 * Instructions are not read one by one: what looks like a jump to code, or like an operand at an address that there is, nearly
 * always is one (Intel's manual, volume 2, appendix A: e8, e9, 0f 80 to 0f 8f; ModR/M with mod 0 and r/m 5).
 */
function visitCode({ content, addresses, visit }: Scan, { place, address }: Region, { start, end }: Gap): void {
  for (let word = start + 1; word + WORD <= end; word++) {
    const byte = content[word - 1]!;
    const isJump = byte === CALL || byte === JUMP || ((byte & 0xf0) === 0x80 && word - 2 >= start && content[word - 2] === ESCAPE);
    if (!isJump && (byte & 0xc7) !== 0x05) continue;
    const origin = address + word - place + WORD;
    const aim = (origin + content.readInt32LE(word)) >>> 0;
    const target = addresses.placeOf(aim);
    if (target < 0 || (isJump && !addresses.isCode(aim))) continue;
    visit(word, target, origin);
    word += WORD - 1;
  }
}

function visitData({ content, addresses, visit }: Scan, { place, address }: Region, { start, end }: Gap): void {
  for (let word = place + Math.ceil((start - place) / WORD) * WORD; word + WORD <= end; word += WORD) {
    const origin = address + word - place;
    const aim = (origin + content.readInt32LE(word)) >>> 0;
    if (addresses.isCode(aim)) visit(word, addresses.placeOf(aim), origin);
  }
}

function visitTable({ content, addresses, visit }: Scan, { place, address, size }: Region, table: { entry: number; words: number }): void {
  for (let entry = place; entry + table.entry <= place + size; entry += table.entry)
    for (let each = 0; each < table.words; each++) {
      const word = entry + each * WORD;
      const origin = address + word - place;
      const target = addresses.placeOf((origin + content.readInt32LE(word)) >>> 0);
      if (target >= 0) visit(word, target, origin);
    }
}
