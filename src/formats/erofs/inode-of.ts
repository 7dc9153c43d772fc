/** One entry as the inode that stands for it in the image. */
import type { DumpInode } from "#formats/composefs/dump-entry.ts";
import { METACOPY, OVERLAY_ESCAPE_PREFIX, OVERLAY_PREFIX, REDIRECT, WHITEOUT_XATTRS, metacopyOf } from "#formats/composefs/overlay.ts";
import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "#formats/file-mode.ts";
import { createInode } from "./inode.ts";
import type { Inode } from "./inode.ts";
import { internXattr, setXattr } from "./xattr.ts";
import type { Xattr, XattrTable } from "./xattr.ts";

/** Makes the inode of an entry, with the attributes overlayfs needs; a whiteout becomes an empty file. */
export function inodeOf(entry: DumpInode, table: XattrTable): Inode {
  const type = entry.mode & S_IFMT;
  const whiteout = isWhiteout(entry);
  const content = type === S_IFREG && entry.content !== undefined && entry.size > 0 ? entry.content : undefined;
  const target = type === S_IFLNK ? entry.payload : undefined;
  const xattrs = escapedXattrs(entry, table);
  if (type === S_IFREG && entry.size > 0 && content === undefined) {
    xattrs.push(internXattr(table, METACOPY, entry.digest === undefined ? "" : metacopyOf(entry.digest)));
    if (entry.payload !== undefined && entry.payload !== "") xattrs.push(internXattr(table, REDIRECT, rooted(entry.payload)));
  }
  if (whiteout) for (const name of WHITEOUT_XATTRS) setXattr(table, xattrs, name, "");
  return createInode({
    path: entry.path,
    mode: whiteout ? S_IFREG | (entry.mode & ~S_IFMT) : entry.mode,
    size: target === undefined ? (type === S_IFREG ? entry.size : 0) : target.length,
    nlink: entry.nlink,
    uid: entry.uid,
    gid: entry.gid,
    rdev: entry.rdev,
    mtime: entry.mtime,
    mtimeNsec: entry.mtimeNsec,
    target,
    content,
    xattrs,
    children: type === S_IFDIR ? [] : undefined,
  });
}

/** True for overlayfs's mark of a removed file: a character device with number 0. */
export function isWhiteout(entry: DumpInode): boolean {
  return entry.rdev === 0 && (entry.mode & S_IFMT) === S_IFCHR;
}

function escapedXattrs(entry: DumpInode, table: XattrTable): Xattr[] {
  const xattrs: Xattr[] = [];
  for (const [name, value] of entry.xattrs) {
    const escaped = name.startsWith(OVERLAY_PREFIX) ? OVERLAY_ESCAPE_PREFIX + name.slice(OVERLAY_PREFIX.length) : name;
    xattrs.push(internXattr(table, escaped, value));
  }
  return xattrs;
}

function rooted(path: string): string {
  return path.startsWith("/") ? path : `/${path}`;
}
