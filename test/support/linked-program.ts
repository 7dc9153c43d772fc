/** Programs as a linker makes them: functions that call each other, tables of distances, and a list of what is absolute. */
import { noise } from "./release-fixture.ts";

export type Reference = "call" | "jump" | "operand" | "absolute";

export interface Part {
  readonly name: string;
  /** Bytes, without those of its references. */
  readonly size: number;
  readonly refers: readonly (readonly [Reference, string])[];
}

export interface Linked {
  readonly file: Buffer;
  /** Place and size by name; also of the tables, which are named after their sections. */
  readonly places: ReadonlyMap<string, { readonly place: number; readonly size: number }>;
}

const OPCODES: Readonly<Record<Reference, Buffer>> = {
  call: Buffer.from([0xe8]),
  jump: Buffer.from([0x0f, 0x84]),
  operand: Buffer.from([0x48, 0x8b, 0x05]),
  absolute: Buffer.from([0x48, 0xc7, 0xc7]),
};
const [TEXT_PLACE, TEXT_ADDRESS] = [4096, 0x81000000];
/** From file to address, other than for code. */
const DATA_SHIFT = 0x81400000;
const WORD = 4;

interface Section {
  readonly name: string;
  readonly place: number;
  readonly address: number;
  readonly content: Buffer;
  readonly flags: number;
}

/** Bytes of a part that are nothing else than themselves. */
function filling({ name, size }: Part): Buffer {
  const seed = Buffer.from(name).reduce((sum, byte) => (sum * 31 + byte) % 100_000, 7);
  return Buffer.from(noise(seed, size).map((byte) => 0x40 | (byte & 0x3f)));
}

/** @param parts in the order of the program */
export function linkProgram(parts: readonly Part[]): Linked {
  const places = new Map<string, { place: number; size: number }>();
  const absolute: number[] = [];
  let at = TEXT_PLACE;
  for (const part of parts) {
    const size = part.size + part.refers.reduce((sum, [kind]) => sum + OPCODES[kind].length + WORD, 0);
    places.set(part.name, { place: at, size });
    at += size;
  }
  const addressOf = (name: string): number => TEXT_ADDRESS + places.get(name)!.place - TEXT_PLACE;
  const text = Buffer.concat(parts.map((part) => codeOf(part)));
  const sections: Section[] = [];
  const end = (): number => sections.reduce((last, { place, content }) => Math.max(last, place + content.length), TEXT_PLACE);
  sections.push({ name: ".text", place: TEXT_PLACE, address: TEXT_ADDRESS, content: text, flags: 6 });
  const addTable = (name: string, entry: number, words: readonly string[]): void => {
    const place = Math.ceil(end() / 16) * 16;
    const content = Buffer.alloc(words.length * entry);
    for (const [index, word] of words.entries())
      content.writeInt32LE(addressOf(word) - (DATA_SHIFT + place + index * entry), index * entry);
    sections.push({ name, place, address: DATA_SHIFT + place, content, flags: 2 });
    places.set(name, { place, size: content.length });
  };
  const names = parts.map(({ name }) => name);
  addTable(".sites", WORD, names);
  addTable(
    "__bug_table",
    12,
    names.filter((name) => name.endsWith("3")),
  );
  const strings = Buffer.from(`\0${sections.map(({ name }) => name).join("\0")}\0.shstrtab\0`);
  sections.push({ name: ".shstrtab", place: end(), address: 0, content: strings, flags: 0 });
  const list = Buffer.alloc(absolute.length * WORD);
  for (const [each, word] of absolute.entries()) list.writeUInt32LE(TEXT_ADDRESS + word - TEXT_PLACE, each * WORD);
  return { file: Buffer.concat([assembled(sections, strings), list]), places };

  function codeOf(part: Part): Buffer {
    let here = places.get(part.name)!.place + part.size;
    const code = part.refers.map(([kind, target]) => {
      const bytes = Buffer.concat([OPCODES[kind], Buffer.alloc(WORD)]);
      here += bytes.length;
      if (kind === "absolute") absolute.push(here - WORD);
      const origin = kind === "absolute" ? 0 : TEXT_ADDRESS + here - TEXT_PLACE;
      bytes.writeInt32LE((addressOf(target) - origin) | 0, bytes.length - WORD);
      return bytes;
    });
    return Buffer.concat([filling(part), ...code]);
  }
}

/** https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html */
function assembled(sections: readonly Section[], strings: Buffer): Buffer {
  const end = Math.max(...sections.map(({ place, content }) => place + content.length));
  const file = Buffer.alloc(end + 64 * (sections.length + 1));
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(file);
  for (const [value, at] of [
    [2, 16],
    [62, 18],
    [64, 52],
    [64, 58],
    [sections.length + 1, 60],
    [sections.length, 62],
  ] as const)
    file.writeUInt16LE(value, at);
  file.writeBigUInt64LE(BigInt(end), 40);
  for (const [each, { name, place, address, content, flags }] of sections.entries()) {
    content.copy(file, place);
    const at = end + 64 * (each + 1);
    file.writeUInt32LE(strings.indexOf(`\0${name}\0`) + 1, at);
    file.writeUInt32LE(1, at + 4);
    file.writeBigUInt64LE(BigInt(flags), at + 8);
    file.writeBigUInt64LE(BigInt(address) + (address === 0 ? 0n : 0xffffffff00000000n), at + 16);
    file.writeBigUInt64LE(BigInt(place), at + 24);
    file.writeBigUInt64LE(BigInt(content.length), at + 32);
  }
  return file;
}

/** Functions that refer to others by chance, always the same ones. */
export function someParts(count: number): Part[] {
  const chance = noise(11, count * 16);
  const kinds: readonly Reference[] = ["call", "jump", "operand", "absolute"];
  return Array.from({ length: count }, (_, at) => ({
    name: `f${at}`,
    size: 40 + chance[at]!,
    refers: Array.from({ length: 6 }, (_, each) => {
      const target = (chance[count + at * 6 + each]! * 251 + chance[count * 8 + at]! * 7) % count;
      return [kinds[(at + each) % kinds.length]!, `f${target}`] as const;
    }),
  }));
}
