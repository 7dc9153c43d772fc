/** The type bits of `st_mode` and Linux device numbers (inode(7), makedev(3)). */

export const S_IFMT = 0o170000;
export const S_IFIFO = 0o010000;
export const S_IFCHR = 0o020000;
export const S_IFDIR = 0o040000;
export const S_IFBLK = 0o060000;
export const S_IFREG = 0o100000;
export const S_IFLNK = 0o120000;
export const S_IFSOCK = 0o140000;

const TYPES: ReadonlySet<number> = new Set([S_IFIFO, S_IFCHR, S_IFDIR, S_IFBLK, S_IFREG, S_IFLNK, S_IFSOCK]);

/** True when the type bits of `mode` name one of the seven file types. */
export function hasFileType(mode: number): boolean {
  return TYPES.has(mode & S_IFMT);
}

/** Device number in the 32-bit form that file systems store: 12 bits of major, 20 bits of minor. */
export function encodeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0;
}

/** Inverse of {@link encodeDevice}. */
export function decodeDevice(device: number): { major: number; minor: number } {
  return { major: (device >>> 8) & 0xfff, minor: (device & 0xff) | ((device >>> 12) & 0xfff00) };
}
