/**
 * Reads an ext4 file system whose journal has been replayed, for a kernel without fs-verity would mount it but show no verity
 * metadata. Extents, 64-bit block numbers, linear and hashed folders; no inline data, no encryption.
 * Specification: https://docs.kernel.org/filesystems/ext4/index.html
 */

export interface Inode {
  readonly number: number;
  readonly mode: number;
  readonly flags: number;
  /** Bytes of content; verity metadata lies after them. */
  readonly size: number;
  /** In the order of the file; what lies between them is a hole. */
  readonly extents: readonly Extent[];
  /** Of a short symbolic link. */
  readonly target: string | undefined;
}

export interface Extent {
  /** Blocks. */
  readonly logical: number;
  readonly physical: number;
  readonly count: number;
  /** Allocated, but reads as zeros. */
  readonly unwritten: boolean;
}

export interface Ext4 {
  readonly blockSize: number;
  /** The inode of an absolute path; symbolic links are not followed. Undefined when there is none. */
  find(path: string): Inode | undefined;
  /** Names in a folder with the numbers of their inodes. */
  list(folder: Inode): ReadonlyMap<string, number>;
  inode(number: number): Inode;
}

type Read = (offset: number, length: number) => Buffer;

const ROOT_INODE = 2;
const EXTENT_MAGIC = 0xf30a;
const EXTENTS_FLAG = 0x80000;
const S_IFMT = 0o170000;
const S_IFLNK = 0o120000;
/** Extents longer than this are unwritten ones. */
const WRITTEN_MAX = 32768;

/** @param read bytes of the file system's metadata: superblock, tables, folders, extent blocks */
export function openExt4(read: Read): Ext4 {
  const superblock = read(1024, 1024);
  if (superblock.readUInt16LE(56) !== 0xef53) throw new Error("no ext4 file system");
  const blockSize = 1024 << superblock.readUInt32LE(24);
  const inodesPerGroup = superblock.readUInt32LE(40);
  const inodeSize = superblock.readUInt16LE(88);
  const descriptorSize = superblock.readUInt16LE(254);
  const groups = Math.ceil(superblock.readUInt32LE(0) / inodesPerGroup);
  // The descriptors follow the superblock's block.
  const descriptors = read(blockSize, groups * descriptorSize);

  const inode = (number: number): Inode => {
    const group = Math.floor((number - 1) / inodesPerGroup);
    const at = group * descriptorSize;
    const table = descriptors.readUInt32LE(at + 8) + descriptors.readUInt32LE(at + 0x28) * 2 ** 32;
    const bytes = read(table * blockSize + ((number - 1) % inodesPerGroup) * inodeSize, 128);
    const mode = bytes.readUInt16LE(0);
    const flags = bytes.readUInt32LE(32);
    const size = bytes.readUInt32LE(4) + bytes.readUInt32LE(108) * 2 ** 32;
    const hasExtents = (flags & EXTENTS_FLAG) !== 0;
    const target = (mode & S_IFMT) === S_IFLNK && !hasExtents ? bytes.toString("utf8", 40, 40 + Math.min(size, 60)) : undefined;
    return { number, mode, flags, size, extents: hasExtents ? extentsOf(bytes.subarray(40, 100), blockSize, read) : [], target };
  };
  const list = (folder: Inode): Map<string, number> => {
    const names = new Map<string, number>();
    for (const { physical, count } of folder.extents) {
      const bytes = read(physical * blockSize, count * blockSize);
      for (let at = 0; at < bytes.length;) {
        const length = bytes.readUInt16LE(at + 4);
        if (length < 8) throw new Error(`folder ${folder.number} is damaged`);
        const child = bytes.readUInt32LE(at);
        const name = bytes.toString("utf8", at + 8, at + 8 + bytes.readUInt8(at + 6));
        if (child !== 0 && name !== "." && name !== "..") names.set(name, child);
        at += length;
      }
    }
    return names;
  };
  const find = (path: string): Inode | undefined => {
    let found = inode(ROOT_INODE);
    for (const name of path.split("/").filter((part) => part !== "")) {
      const child = list(found).get(name);
      if (child === undefined) return undefined;
      found = inode(child);
    }
    return found;
  };
  return { blockSize, find, list, inode };
}

function extentsOf(node: Buffer, blockSize: number, read: Read): Extent[] {
  if (node.readUInt16LE(0) !== EXTENT_MAGIC) throw new Error("an extent block is damaged");
  const depth = node.readUInt16LE(6);
  const entries = Array.from({ length: node.readUInt16LE(2) }, (_, index) => node.subarray(12 + index * 12, 24 + index * 12));
  if (depth > 0)
    return entries.flatMap((entry) =>
      extentsOf(read((entry.readUInt32LE(4) + entry.readUInt16LE(8) * 2 ** 32) * blockSize, blockSize), blockSize, read),
    );
  return entries.map((entry) => {
    const length = entry.readUInt16LE(4);
    const unwritten = length > WRITTEN_MAX;
    return {
      logical: entry.readUInt32LE(0),
      physical: entry.readUInt32LE(8) + entry.readUInt16LE(6) * 2 ** 32,
      count: unwritten ? length - WRITTEN_MAX : length,
      unwritten,
    };
  });
}
