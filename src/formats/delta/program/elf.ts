/**
 * The parts of a 64-bit x86 program by its section headers (https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.sheader.html), and what
 * Linux's kernel has besides (`arch/x86/tools/relocs.c` and `include/asm-generic/vmlinux.lds.h` of its source).
 */
import { isElf } from "../../elf.ts";
import { LIST_MAX, NO_PROGRAM } from "./program.ts";
import type { Program, Region, RegionKind } from "./program.ts";

const [CLASS_64, LITTLE_ENDIAN, X86_64] = [2, 1, 62];
const EXECUTABLES = [2, 3];
const HEADER = 64;
const SECTIONS_MAX = 200;
const NOBITS = 8;
const [ALLOC, EXECINSTR] = [2, 4];

/** Tables of a kernel whose words are distances to anything; those to code alone are found in any data. */
const TABLES: Readonly<Record<string, Exclude<RegionKind, string>>> = {
  __bug_table: { entry: 12, words: 2 },
  __ex_table: { entry: 12, words: 2 },
  __ksymtab: { entry: 12, words: 3 },
  __ksymtab_gpl: { entry: 12, words: 3 },
  ".altinstructions": { entry: 14, words: 2 },
};

interface Section extends Omit<Region, "kind"> {
  readonly name: number;
  readonly type: number;
  readonly flags: number;
}

/** @returns {@link NO_PROGRAM} for what is none, or one whose parts overlap */
export function programOf(content: Buffer): Program {
  if (!isElf(content) || content[4] !== CLASS_64 || content[5] !== LITTLE_ENDIAN) return NO_PROGRAM;
  if (!EXECUTABLES.includes(content.readUInt16LE(16)) || content.readUInt16LE(18) !== X86_64) return NO_PROGRAM;
  const [headers, count] = [Number(content.readBigUInt64LE(40)), content.readUInt16LE(60)];
  const end = headers + count * HEADER;
  if (count === 0 || count > SECTIONS_MAX || end > content.length) return NO_PROGRAM;
  const sections = Array.from({ length: count }, (_, at) => readSection(content, headers + at * HEADER));
  const names = sections[content.readUInt16LE(62)]?.place ?? content.length;
  const nameOf = ({ name }: Section): string => content.toString("latin1", names + name, content.indexOf(0, names + name));
  const regions = sections
    .filter(({ type, flags, size }) => type !== NOBITS && (flags & ALLOC) !== 0 && size > 0)
    .sort((a, b) => a.place - b.place)
    .map((section): Region => {
      const { place, address, size, flags } = section;
      return { place, address, size, kind: (flags & EXECINSTR) !== 0 ? "code" : (TABLES[nameOf(section)] ?? "data") };
    });
  const areWhole = regions.every(({ place, size }) => place + size <= content.length);
  const byAddress = [...regions].sort((a, b) => a.address - b.address);
  if (!areWhole || overlap(regions, ({ place }) => place) || overlap(byAddress, ({ address }) => address)) return NO_PROGRAM;
  const size = content.length - end;
  return { regions, list: size > LIST_MAX ? NO_PROGRAM.list : { place: end, size } };
}

function readSection(content: Buffer, at: number): Section {
  return {
    name: content.readUInt32LE(at),
    type: content.readUInt32LE(at + 4),
    flags: content.readUInt32LE(at + 8),
    address: content.readUInt32LE(at + 16),
    place: Number(content.readBigUInt64LE(at + 24)),
    size: Number(content.readBigUInt64LE(at + 32)),
  };
}

function overlap(regions: readonly Region[], startOf: (region: Region) => number): boolean {
  return regions.some((region, at) => at > 0 && startOf(regions[at - 1]!) + regions[at - 1]!.size > startOf(region));
}
