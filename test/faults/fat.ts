/**
 * Reads a FAT32 file system as firmware does: the first table, long names where their checksum fits.
 * Specification: https://www.ecma-international.org/publications-and-standards/standards/ecma-107/ and Microsoft's "FAT: General
 * Overview of On-Disk Format", sections 6.5 and 7.
 */

export interface FatFile {
  readonly name: string;
  readonly folder: boolean;
  /** Bytes; 0 for folders. */
  readonly size: number;
  readonly cluster: number;
}

export interface Fat {
  /** The entries of a folder; undefined when there is no such folder. */
  list(path: string): FatFile[] | undefined;
  /** The ranges of the disk that hold a file, in order. @throws FatError when its chain is broken or too short */
  ranges(file: FatFile): { readonly offset: number; readonly length: number }[];
  read(file: FatFile): Buffer;
}

/** The file system says something that cannot be. */
export class FatError extends Error {}

type Read = (offset: number, length: number) => Buffer;

const ENTRY = 32;
/** Clusters; a circle ends here. */
const FOLDER_MAX = 1024;
const LAST_CLUSTER = 0x0ffffff8;
const ATTRIBUTE = { volume: 0x08, folder: 0x10, longName: 0x0f } as const;
/** Byte offsets of the 13 UTF-16 units of a part of a long name. */
const UNITS = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30] as const;

/** @param read bytes of the file system */
export function openFat(read: Read): Fat {
  const boot = read(0, 512);
  if (boot.readUInt16LE(510) !== 0xaa55) throw new Error("no FAT file system");
  const sector = boot.readUInt16LE(11);
  const clusterSize = boot.readUInt8(13) * sector;
  const reserved = boot.readUInt16LE(14) * sector;
  const tableSize = boot.readUInt32LE(36) * sector;
  const data = reserved + boot.readUInt8(16) * tableSize;
  const table = read(reserved, tableSize);

  /** The table is not asked for more clusters than are wanted: firmware reads a small file whose chain was freed, too. */
  const chain = (first: number, wanted: number): number[] => {
    const clusters: number[] = [];
    for (let at = first; at < LAST_CLUSTER && clusters.length < wanted; at = table.readUInt32LE(at * 4) & 0x0fffffff) {
      if (at < 2 || at * 4 + 4 > table.length) throw new FatError(`a chain of clusters from ${first} leads to ${at}`);
      clusters.push(at);
    }
    return clusters;
  };
  const offsetOf = (cluster: number): number => data + (cluster - 2) * clusterSize;
  const folder = (cluster: number): FatFile[] =>
    filesOf(Buffer.concat(chain(cluster, FOLDER_MAX).map((item) => read(offsetOf(item), clusterSize))));
  const root = boot.readUInt32LE(44);
  const list = (path: string): FatFile[] | undefined => {
    let files = folder(root);
    for (const name of path.split("/").filter((part) => part !== "")) {
      const found = files.find((file) => file.folder && file.name.toLowerCase() === name.toLowerCase());
      if (found === undefined) return undefined;
      files = folder(found.cluster);
    }
    return files;
  };
  const ranges = (file: FatFile): { offset: number; length: number }[] => {
    if (file.size === 0) return [];
    const clusters = chain(file.cluster, Math.ceil(file.size / clusterSize));
    if (clusters.length * clusterSize < file.size)
      throw new FatError(`${file.name} has ${file.size} bytes and ${clusters.length} clusters`);
    const found: { offset: number; length: number }[] = [];
    let left = file.size;
    for (const cluster of clusters) {
      const length = Math.min(left, clusterSize);
      const last = found.at(-1);
      if (last !== undefined && last.offset + last.length === offsetOf(cluster)) last.length += length;
      else found.push({ offset: offsetOf(cluster), length });
      left -= length;
    }
    return found;
  };
  return { list, ranges, read: (file) => Buffer.concat(ranges(file).map(({ offset, length }) => read(offset, length))) };
}

function filesOf(bytes: Buffer): FatFile[] {
  const files: FatFile[] = [];
  let long: { text: string; checksum: number; next: number } | undefined;
  for (let at = 0; at < bytes.length && bytes[at] !== 0; at += ENTRY) {
    const entry = bytes.subarray(at, at + ENTRY);
    const attributes = entry.readUInt8(11);
    const order = entry.readUInt8(0);
    if (order === 0xe5) long = undefined;
    else if ((attributes & 0x3f) === ATTRIBUTE.longName) {
      const first = (order & 0x40) !== 0;
      const fits = first || (long !== undefined && long.next === order && long.checksum === entry.readUInt8(13));
      long = fits
        ? { text: unitsOf(entry) + (first ? "" : (long?.text ?? "")), checksum: entry.readUInt8(13), next: (order & 0x3f) - 1 }
        : undefined;
    } else {
      const isWhole = long?.next === 0 && long.checksum === checksumOf(entry);
      const name = isWhole ? (long?.text ?? "") : shortName(entry);
      long = undefined;
      if ((attributes & ATTRIBUTE.volume) !== 0 || name === "." || name === "..") continue;
      const cluster = entry.readUInt16LE(26) + entry.readUInt16LE(20) * 65536;
      files.push({ name, folder: (attributes & ATTRIBUTE.folder) !== 0, size: entry.readUInt32LE(28), cluster });
    }
  }
  return files;
}

function unitsOf(entry: Buffer): string {
  const units = UNITS.map((offset) => entry.readUInt16LE(offset));
  const end = units.indexOf(0);
  return String.fromCharCode(...(end === -1 ? units : units.slice(0, end)));
}

/** A byte says that the base name, or the extension, is in lower case: what Linux writes for short names. */
function shortName(entry: Buffer): string {
  const flags = entry.readUInt8(12);
  const part = (from: number, to: number, lower: number): string => {
    const text = entry.toString("latin1", from, to).trimEnd();
    return (flags & lower) === 0 ? text : text.toLowerCase();
  };
  const [base, extension] = [part(0, 8, 0x08), part(8, 11, 0x10)];
  return extension === "" ? base : `${base}.${extension}`;
}

function checksumOf(entry: Buffer): number {
  let sum = 0;
  for (const byte of entry.subarray(0, 11)) sum = (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff;
  return sum;
}
