/** One entry as the inode that stands for it in the image. */
import type { ByteString } from "#formats/bytes.ts";
import type { DumpInode } from "#formats/composefs/dump-entry.ts";
import { METACOPY, OVERLAY_ESCAPE_PREFIX, OVERLAY_PREFIX, REDIRECT, WHITEOUT_XATTRS } from "#formats/composefs/overlay.ts";
import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "#formats/file-mode.ts";
import { createInode } from "./inode.ts";
import type { Inode } from "./inode.ts";
import { internXattr, setXattr } from "./xattr.ts";
import type { Xattr, XattrTable } from "./xattr.ts";

/** Makes the inode of an entry, with the attributes overlayfs needs; a whiteout becomes an empty file. */
export function inodeOf(entry: DumpInode, table: XattrTable): Inode {
  const type = entry.mode & S_IFMT;
  if (isWhiteout(entry)) return whiteoutOf(entry, table);
  if (type === S_IFREG) {
    const external = entry.size > 0 && entry.content === undefined;
    const xattrs = external ? externalXattrs(entry, table) : escapedXattrs(entry, table);
    return createInode(entry, entry.mode, entry.size, { xattrs, children: undefined });
  }
  const size = type === S_IFLNK ? (entry.payload?.length ?? 0) : 0;
  return createInode(entry, entry.mode, size, { xattrs: escapedXattrs(entry, table), children: type === S_IFDIR ? [] : undefined });
}

/** True for overlayfs's mark of a removed file: a character device with number 0. */
export function isWhiteout(entry: DumpInode): boolean {
  return entry.rdev === 0 && (entry.mode & S_IFMT) === S_IFCHR;
}

function whiteoutOf(entry: DumpInode, table: XattrTable): Inode {
  const xattrs = escapedXattrs(entry, table);
  for (const name of WHITEOUT_XATTRS) setXattr(table, xattrs, name, "");
  return createInode(entry, S_IFREG | (entry.mode & ~S_IFMT), 0, { xattrs, children: undefined });
}

function externalXattrs(entry: DumpInode, table: XattrTable): Xattr[] {
  const metacopy = internXattr(table, METACOPY, entry.digest ?? "");
  const hasPayload = entry.payload !== undefined && entry.payload !== "";
  const redirect = hasPayload ? internXattr(table, REDIRECT, withoutSlash(entry.payload)) : undefined;
  const added = redirect === undefined ? [metacopy] : [metacopy, redirect];
  return entry.xattrs.size === 0 ? added : [...escapedXattrs(entry, table), ...added];
}

function escapedXattrs(entry: DumpInode, table: XattrTable): Xattr[] {
  if (entry.xattrs.size === 0) return [];
  return Array.from(entry.xattrs, ([name, value]) => internXattr(table, escapedName(name), value));
}

function escapedName(name: ByteString): ByteString {
  return name.startsWith(OVERLAY_PREFIX) ? OVERLAY_ESCAPE_PREFIX + name.slice(OVERLAY_PREFIX.length) : name;
}

function withoutSlash(path: ByteString): ByteString {
  return path.startsWith("/") ? path.slice(1) : path;
}
