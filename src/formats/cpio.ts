/**
 * cpio "newc", the archive that the kernel unpacks as its first root file system.
 * https://docs.kernel.org/driver-api/early-userspace/buffer-format.html
 *
 *   archive  = member… trailer, padded with zeros to 512 bytes
 *   member   = "070701", 13 fields of 8 hex digits, name NUL, pad to 4, content, pad to 4
 *
 * What is written depends on the entries alone: names in byte order, numbered inodes, root as owner, one time.
 */
import { AshlarError } from "#errors";
import { compareBytes, fromBuffer, toBuffer } from "./bytes.ts";
import type { ByteString } from "./bytes.ts";

export type CpioErrorCode = "E_CPIO_MALFORMED" | "E_CPIO_TOO_LARGE";

export type CpioEntry =
  | { readonly kind: "directory"; readonly path: ByteString; readonly mode: number }
  | { readonly kind: "file"; readonly path: ByteString; readonly mode: number; readonly content: Buffer }
  | { readonly kind: "symlink"; readonly path: ByteString; readonly target: ByteString };

const MAGIC = "070701";
const HEADER_SIZE = 110;
const TRAILER = "TRAILER!!!";
const BLOCK = 512;
/** The kernel reads sizes as 32 bits and names up to PATH_MAX. */
const SIZE_MAX = 0xffff_ffff;
const NAME_MAX = 4096;
const TYPE_BITS = { directory: 0o040000, file: 0o100000, symlink: 0o120000 } as const;

/**
 * Writes an archive. Paths have no leading slash ("usr/bin/sh"); parents must be among the entries.
 * @param mtime seconds since 1970, of every member
 * @throws E_CPIO_TOO_LARGE a file of 4 GiB or more
 */
export function writeCpio(entries: readonly CpioEntry[], mtime: number): Buffer {
  const parts: Buffer[] = [];
  let offset = 0;
  const push = (bytes: Buffer): void => {
    parts.push(bytes);
    offset += bytes.length;
  };
  const pad = (to: number): void => push(Buffer.alloc((to - (offset % to)) % to));
  const member = (path: ByteString, fields: readonly number[], content: Buffer): void => {
    const hex = fields.map((field) => field.toString(16).padStart(8, "0")).join("");
    push(toBuffer(`${MAGIC}${hex}${path}\0`));
    pad(4);
    push(content);
    pad(4);
  };
  const sorted = [...entries].sort((a, b) => compareBytes(a.path, b.path));
  for (const [index, entry] of sorted.entries()) {
    const content = entry.kind === "file" ? entry.content : entry.kind === "symlink" ? toBuffer(entry.target) : Buffer.alloc(0);
    if (content.length > SIZE_MAX)
      throw new AshlarError<CpioErrorCode>("E_CPIO_TOO_LARGE", `${entry.path} has ${content.length} bytes, cpio holds at most ${SIZE_MAX}`);
    const mode = TYPE_BITS[entry.kind] | (entry.kind === "symlink" ? 0o777 : entry.mode);
    const links = entry.kind === "directory" ? 2 : 1;
    // ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
    member(entry.path, [index + 1, mode, 0, 0, links, mtime, content.length, 0, 0, 0, 0, entry.path.length + 1, 0], content);
  }
  member(TRAILER, [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, TRAILER.length + 1, 0], Buffer.alloc(0));
  pad(BLOCK);
  return Buffer.concat(parts);
}

/**
 * Reads an archive that {@link writeCpio} or `cpio -H newc` wrote; its inverse but for the time.
 * @throws E_CPIO_MALFORMED with the offset
 */
export function readCpio(archive: Buffer): CpioEntry[] {
  const entries: CpioEntry[] = [];
  let offset = 0;
  const take = (length: number): Buffer => {
    if (offset + length > archive.length) throw malformed(offset, `${length} bytes expected, the archive ends`);
    offset += length;
    return archive.subarray(offset - length, offset);
  };
  const align = (): void => void (offset = Math.ceil(offset / 4) * 4);
  for (;;) {
    const at = offset;
    const header = take(HEADER_SIZE).toString("latin1");
    if (!header.startsWith(MAGIC) || !/^[0-9A-Fa-f]+$/.test(header)) throw malformed(at, "no newc header");
    const field = (index: number): number => Number.parseInt(header.slice(6 + index * 8, 14 + index * 8), 16);
    const nameSize = field(11);
    if (nameSize < 2 || nameSize > NAME_MAX) throw malformed(at, `a name of ${nameSize} bytes`);
    const path = fromBuffer(take(nameSize)).slice(0, -1);
    align();
    if (path === TRAILER) return entries;
    const content = take(field(6));
    align();
    entries.push(entryOf(path, field(1), content) ?? malformedEntry(at, path));
  }
}

function entryOf(path: ByteString, mode: number, content: Buffer): CpioEntry | undefined {
  switch (mode & 0o170000) {
    case TYPE_BITS.directory:
      return { kind: "directory", path, mode: mode & 0o7777 };
    case TYPE_BITS.file:
      return { kind: "file", path, mode: mode & 0o7777, content };
    case TYPE_BITS.symlink:
      return { kind: "symlink", path, target: fromBuffer(content) };
    default:
      return undefined;
  }
}

function malformedEntry(offset: number, path: ByteString): never {
  throw malformed(offset, `${path} is neither a file, a directory nor a symbolic link`);
}

function malformed(offset: number, why: string): AshlarError<CpioErrorCode> {
  return new AshlarError("E_CPIO_MALFORMED", `malformed cpio archive at byte ${offset}: ${why}`);
}
