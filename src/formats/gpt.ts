/**
 * GUID partition tables: 512-byte sectors, 128 entries of 128 bytes, no boot code.
 *
 *   sector 0        protective MBR
 *   sector 1        primary header          sector n-1         backup header
 *   sectors 2–33    partition entries       sectors n-33…n-2   the same entries again
 *   sectors 34…n-34 usable by partitions
 *
 * Specification: https://uefi.org/specs/UEFI/2.10/05_GUID_Partition_Table_Format.html, sections 5.2.3 and 5.3.
 * Partition types: https://uapi-group.org/specifications/specs/discoverable_partitions_specification/
 */
import { crc32 } from "node:zlib";
import { AshlarError } from "#errors";

export type GptErrorCode = "E_GPT_LAYOUT" | "E_GPT_CORRUPT";

export const SECTOR = 512;
/** Bytes of the table at each end of a disk: at the start with the MBR (34 sectors), at the end without it (33). */
export const GPT_HEAD = 34 * SECTOR;
export const GPT_TAIL = 33 * SECTOR;

export const PARTITION_TYPE = {
  esp: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
  "root-x86-64": "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
} as const;

export interface GptPartition {
  /** GUIDs are lower-case text, `c12a7328-f81f-11d2-ba4b-00a0c93ec93b`. */
  readonly type: string;
  readonly guid: string;
  /** At most 36 UTF-16 code units; what `PARTLABEL=` finds. */
  readonly name: string;
  /** Byte offset and length, both multiples of 512. */
  readonly start: number;
  readonly size: number;
}

export interface Gpt {
  readonly guid: string;
  /** Bytes of the whole disk, a multiple of 512. */
  readonly diskSize: number;
  readonly partitions: readonly GptPartition[];
}

const ENTRY_COUNT = 128;
const ENTRY_SIZE = 128;
const ENTRIES_SIZE = ENTRY_COUNT * ENTRY_SIZE;
const HEADER_SIZE = 92;
const SIGNATURE = "EFI PART";
const REVISION = 0x00010000;
const NAME_UNITS = 36;

/**
 * The bytes of both tables.
 * @returns `head` for offset 0, `tail` for offset `diskSize - tail.length`
 * @throws E_GPT_LAYOUT when partitions overlap each other or the tables, or a name is too long
 */
export function writeGpt(gpt: Gpt): { head: Buffer; tail: Buffer } {
  checkLayout(gpt);
  const entries = Buffer.alloc(ENTRIES_SIZE);
  gpt.partitions.forEach((partition, index) => writeEntry(entries.subarray(index * ENTRY_SIZE), partition));
  const last = gpt.diskSize / SECTOR - 1;
  const head = Buffer.alloc(GPT_HEAD);
  writeProtectiveMbr(head, last);
  writeHeader(head.subarray(SECTOR), { gpt, entries, own: 1, other: last, table: 2 });
  entries.copy(head, 2 * SECTOR);
  const tail = Buffer.alloc(GPT_TAIL);
  entries.copy(tail, 0);
  writeHeader(tail.subarray(ENTRIES_SIZE), { gpt, entries, own: last, other: 1, table: last - ENTRIES_SIZE / SECTOR });
  return { head, tail };
}

/**
 * Reads the table at the start of a disk; inverse of {@link writeGpt}'s `head`.
 * @param head at least the first 34 sectors
 * @throws E_GPT_CORRUPT naming the field that is wrong
 */
export function readGpt(head: Buffer): Gpt {
  const corrupt = (what: string): AshlarError<GptErrorCode> =>
    new AshlarError("E_GPT_CORRUPT", `not a GUID partition table: ${what}`, { hint: "make the disk again with: ashlar disk -o FILE" });
  if (head.length < GPT_HEAD) throw corrupt(`${head.length} bytes, at least ${GPT_HEAD} needed`);
  const header = Buffer.from(head.subarray(SECTOR, SECTOR + HEADER_SIZE));
  if (header.toString("latin1", 0, 8) !== SIGNATURE) throw corrupt("no EFI PART signature");
  const headerSum = header.readUInt32LE(16);
  header.writeUInt32LE(0, 16);
  if (crc32(header) !== headerSum) throw corrupt("the header's checksum differs");
  if (header.readUInt32LE(80) !== ENTRY_COUNT || header.readUInt32LE(84) !== ENTRY_SIZE)
    throw corrupt("other than 128 entries of 128 bytes");
  const entries = head.subarray(2 * SECTOR, 2 * SECTOR + ENTRIES_SIZE);
  if (crc32(entries) !== header.readUInt32LE(88)) throw corrupt("the entries' checksum differs");
  const partitions: GptPartition[] = [];
  for (let at = 0; at < ENTRIES_SIZE; at += ENTRY_SIZE) {
    const partition = readEntry(entries.subarray(at, at + ENTRY_SIZE));
    if (partition !== undefined) partitions.push(partition);
  }
  return { guid: readGuid(header, 56), diskSize: (Number(header.readBigUInt64LE(32)) + 1) * SECTOR, partitions };
}

function checkLayout(gpt: Gpt): void {
  const fail = (why: string): never => {
    throw new AshlarError<GptErrorCode>("E_GPT_LAYOUT", `cannot lay out the disk: ${why}`, { hint: "give a larger --size" });
  };
  if (gpt.diskSize % SECTOR !== 0) fail(`its size ${gpt.diskSize} is not a multiple of ${SECTOR}`);
  if (gpt.partitions.length > ENTRY_COUNT) fail(`${gpt.partitions.length} partitions, at most ${ENTRY_COUNT}`);
  let free = GPT_HEAD;
  for (const { name, start, size } of [...gpt.partitions].sort((a, b) => a.start - b.start)) {
    if (name.length > NAME_UNITS) fail(`the partition name ${name} is longer than ${NAME_UNITS}`);
    if (start % SECTOR !== 0 || size % SECTOR !== 0 || size === 0) fail(`partition ${name} is not made of whole sectors`);
    if (start < free || start + size > gpt.diskSize - GPT_TAIL) fail(`partition ${name} (${start}–${start + size}) does not fit`);
    free = start + size;
  }
}

function writeProtectiveMbr(sector: Buffer, last: number): void {
  sector.set([0x00, 0x00, 0x02, 0x00, 0xee, 0xff, 0xff, 0xff], 446);
  sector.writeUInt32LE(1, 454);
  sector.writeUInt32LE(Math.min(last, 0xffffffff), 458);
  sector.writeUInt16LE(0xaa55, 510);
}

function writeHeader(at: Buffer, header: { gpt: Gpt; entries: Buffer; own: number; other: number; table: number }): void {
  at.write(SIGNATURE, 0, "latin1");
  at.writeUInt32LE(REVISION, 8);
  at.writeUInt32LE(HEADER_SIZE, 12);
  at.writeBigUInt64LE(BigInt(header.own), 24);
  at.writeBigUInt64LE(BigInt(header.other), 32);
  at.writeBigUInt64LE(BigInt(GPT_HEAD / SECTOR), 40);
  at.writeBigUInt64LE(BigInt((header.gpt.diskSize - GPT_TAIL) / SECTOR - 1), 48);
  writeGuid(at, 56, header.gpt.guid);
  at.writeBigUInt64LE(BigInt(header.table), 72);
  at.writeUInt32LE(ENTRY_COUNT, 80);
  at.writeUInt32LE(ENTRY_SIZE, 84);
  at.writeUInt32LE(crc32(header.entries), 88);
  at.writeUInt32LE(crc32(at.subarray(0, HEADER_SIZE)), 16);
}

function writeEntry(at: Buffer, partition: GptPartition): void {
  writeGuid(at, 0, partition.type);
  writeGuid(at, 16, partition.guid);
  at.writeBigUInt64LE(BigInt(partition.start / SECTOR), 32);
  at.writeBigUInt64LE(BigInt((partition.start + partition.size) / SECTOR - 1), 40);
  at.write(partition.name, 56, "utf16le");
}

function readEntry(at: Buffer): GptPartition | undefined {
  if (at.subarray(0, 16).every((byte) => byte === 0)) return undefined;
  const first = Number(at.readBigUInt64LE(32));
  const last = Number(at.readBigUInt64LE(40));
  return {
    type: readGuid(at, 0),
    guid: readGuid(at, 16),
    name: at.toString("utf16le", 56, 56 + NAME_UNITS * 2).replace(/\0+$/, ""),
    start: first * SECTOR,
    size: (last - first + 1) * SECTOR,
  };
}

/** The first three groups of a GUID are little-endian, the last two are not (UEFI appendix A). */
export function writeGuid(at: Buffer, offset: number, guid: string): void {
  const bytes = Buffer.from(guid.replaceAll("-", ""), "hex");
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  bytes.copy(at, offset);
}

function readGuid(at: Buffer, offset: number): string {
  const bytes = Buffer.from(at.subarray(offset, offset + 16));
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
