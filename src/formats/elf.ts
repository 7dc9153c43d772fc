/**
 * What a 64-bit little-endian ELF file needs at run time: its interpreter and libraries, and the ones it opens by itself.
 * https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.dynamic.html and, for `.note.dlopen`,
 * https://systemd.io/ELF_DLOPEN_METADATA/
 */
import { AshlarError } from "#errors";

export type ElfErrorCode = "E_ELF_MALFORMED";

export interface ElfNeeds {
  /** "/lib64/ld-linux-x86-64.so.2"; absent in libraries and static programs. */
  readonly interpreter: string | undefined;
  /** Sonames of DT_NEEDED, in the file's order. */
  readonly needed: readonly string[];
  /** DT_RUNPATH (or DT_RPATH) split at ":", `$ORIGIN` not yet expanded. */
  readonly runpath: readonly string[];
  /** Sonames that the file opens with dlopen and can hardly do without: one list of alternatives for each. */
  readonly opened: readonly (readonly string[])[];
}

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const PT_NOTE = 4;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const DT_RPATH = 15n;
const DT_RUNPATH = 29n;
const NT_FDO_DLOPEN = 0x407c0c0a;
/** Real files have about a dozen program headers and some dozens of dynamic entries. */
const HEADERS_MAX = 128;
const DYNAMIC_MAX = 4096;
const STRING_MAX = 4096;

/** True when the bytes begin as an ELF file does. */
export function isElf(bytes: Buffer): boolean {
  return bytes.length >= 64 && bytes.readUInt32BE(0) === 0x7f454c46;
}

/**
 * Reads what a program or library needs.
 * @returns undefined when it is an ELF file of another word size or byte order
 * @throws E_ELF_MALFORMED
 */
export function readElfNeeds(bytes: Buffer, name: string): ElfNeeds | undefined {
  if (!isElf(bytes) || bytes[4] !== 2 || bytes[5] !== 1) return undefined;
  const segments = readSegments(bytes, name);
  const dynamic = readDynamic(bytes, segments, name);
  const strings = dynamic.find(([tag]) => tag === DT_STRTAB)?.[1];
  const stringAt = (offset: bigint): string => {
    if (strings === undefined) throw malformed(name, "dynamic entries without a string table");
    return cString(bytes, fileOffset(segments, strings, name) + Number(offset), name);
  };
  const valuesOf = (tag: bigint): string[] => dynamic.filter(([key]) => key === tag).map(([, value]) => stringAt(value));
  const interpreter = segments.find((segment) => segment.type === PT_INTERP);
  const runpath = valuesOf(DT_RUNPATH);
  return {
    interpreter: interpreter === undefined ? undefined : cString(bytes, interpreter.offset, name),
    needed: valuesOf(DT_NEEDED),
    runpath: (runpath.length > 0 ? runpath : valuesOf(DT_RPATH)).flatMap((paths) => paths.split(":")),
    opened: segments.filter((segment) => segment.type === PT_NOTE).flatMap((segment) => readOpened(bytes, segment, name)),
  };
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: bigint;
  readonly size: number;
  readonly align: number;
}

function readSegments(bytes: Buffer, name: string): Segment[] {
  const start = Number(bytes.readBigUInt64LE(32));
  const size = bytes.readUInt16LE(54);
  const count = bytes.readUInt16LE(56);
  if (count === 0) return [];
  if (size !== 56 || count > HEADERS_MAX || start + size * count > bytes.length) throw malformed(name, "program headers");
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * size;
    const segment = {
      type: bytes.readUInt32LE(at),
      offset: Number(bytes.readBigUInt64LE(at + 8)),
      address: bytes.readBigUInt64LE(at + 16),
      size: Number(bytes.readBigUInt64LE(at + 32)),
      align: Number(bytes.readBigUInt64LE(at + 48)),
    };
    if (segment.offset + segment.size > bytes.length) throw malformed(name, `segment ${index} lies beyond the end`);
    return segment;
  });
}

function readDynamic(bytes: Buffer, segments: readonly Segment[], name: string): [bigint, bigint][] {
  const segment = segments.find(({ type }) => type === PT_DYNAMIC);
  if (segment === undefined) return [];
  const count = Math.floor(segment.size / 16);
  if (count > DYNAMIC_MAX) throw malformed(name, `${count} dynamic entries`);
  const entries: [bigint, bigint][] = [];
  for (let index = 0; index < count; index++) {
    const at = segment.offset + index * 16;
    const tag = bytes.readBigUInt64LE(at);
    if (tag === 0n) break;
    entries.push([tag, bytes.readBigUInt64LE(at + 8)]);
  }
  return entries;
}

/** Elf64_Nhdr { u32 namesz, descsz, type; } name and descriptor, each padded. The descriptor is a JSON array. */
function readOpened(bytes: Buffer, segment: Segment, name: string): (readonly string[])[] {
  const found: (readonly string[])[] = [];
  const align = segment.align === 8 ? 8 : 4;
  const end = segment.offset + segment.size;
  const padded = (offset: number): number => segment.offset + Math.ceil((offset - segment.offset) / align) * align;
  for (let at = segment.offset; at + 12 <= end;) {
    const nameSize = bytes.readUInt32LE(at);
    const size = bytes.readUInt32LE(at + 4);
    const content = padded(at + 12 + nameSize);
    if (content + size > end) throw malformed(name, "a note lies beyond its segment");
    if (bytes.readUInt32LE(at + 8) === NT_FDO_DLOPEN) found.push(...parseOpened(cString(bytes, content, name), name));
    at = padded(content + size);
  }
  return found;
}

function parseOpened(json: string, name: string): (readonly string[])[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (cause) {
    throw malformed(name, `dlopen note ${JSON.stringify(json.slice(0, 80))}`, cause);
  }
  if (!Array.isArray(parsed)) throw malformed(name, "a dlopen note that is no list");
  return (parsed as { priority?: unknown; soname?: unknown }[])
    .filter((item) => item.priority === "required" || item.priority === "recommended")
    .map((item) => (Array.isArray(item.soname) ? item.soname.filter((soname) => typeof soname === "string") : []));
}

/** The dynamic section speaks of addresses; loaded segments say where in the file they are. */
function fileOffset(segments: readonly Segment[], address: bigint, name: string): number {
  const home = segments.find(
    (segment) => segment.type === PT_LOAD && address >= segment.address && address < segment.address + BigInt(segment.size),
  );
  if (home === undefined) throw malformed(name, `address 0x${address.toString(16)} is in no segment`);
  return home.offset + Number(address - home.address);
}

function cString(bytes: Buffer, offset: number, name: string): string {
  const end = offset <= bytes.length ? bytes.indexOf(0, offset) : -1;
  if (end === -1 || end - offset > STRING_MAX) throw malformed(name, `no string at byte ${offset}`);
  return bytes.toString("latin1", offset, end);
}

function malformed(name: string, what: string, cause?: unknown): AshlarError<ElfErrorCode> {
  return new AshlarError("E_ELF_MALFORMED", `malformed ELF file ${name}: ${what}`, { cause });
}
