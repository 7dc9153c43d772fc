/** One inode as the dump entry it was written from: what was added for overlayfs is taken off again. */
import { fromBuffer } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { NO_XATTRS } from "#formats/composefs/dump-entry.ts";
import type { DumpInode } from "#formats/composefs/dump-entry.ts";
import {
  METACOPY,
  OVERLAY_ESCAPE_PREFIX,
  OVERLAY_PREFIX,
  REDIRECT,
  WHITEOUTS_OPAQUE_XATTRS,
  WHITEOUTS_XATTRS,
  WHITEOUT_XATTRS,
  digestOfMetacopy,
} from "#formats/composefs/overlay.ts";
import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "#formats/file-mode.ts";
import { damaged } from "./errors.ts";
import { LAYOUT_CHUNKS } from "./format.ts";
import type { Image } from "./image.ts";
import { readContent } from "./read-inode.ts";
import type { RawInode } from "./read-inode.ts";
import type { Name } from "./walk.ts";

/**
 * Gives the entry of an inode.
 * @param withWhiteouts folders that hold a whiteout; the folder is added when this entry is one
 * @throws E_EROFS_DAMAGED for attributes of overlayfs that the writer does not make
 */
export function entryOf(image: Image, { path, inode }: Name, withWhiteouts: Set<ByteString>): DumpInode {
  const type = inode.mode & S_IFMT;
  const whiteout = isWhiteout(inode);
  if (whiteout) withWhiteouts.add(path.slice(0, path.lastIndexOf("/")) || "/");
  if (type === S_IFCHR && inode.rdev === 0) throw damaged(inode.position, "a whiteout that is not at the root");
  const external = inode.layout === LAYOUT_CHUNKS;
  const content = type === S_IFREG && inode.size > 0 && !external ? Buffer.from(readContent(image, inode)) : undefined;
  if (type === S_IFLNK && inode.size === 0) throw damaged(inode.position, "a symbolic link without a target");
  const marked = type === S_IFDIR && withWhiteouts.has(path);
  return {
    path,
    hardlink: undefined,
    mode: whiteout ? S_IFCHR | (inode.mode & ~S_IFMT) : inode.mode,
    size: type === S_IFREG ? inode.size : 0,
    nlink: inode.nlink,
    uid: inode.uid,
    gid: inode.gid,
    rdev: inode.rdev,
    mtime: inode.mtime,
    mtimeNsec: inode.mtimeNsec,
    payload: type === S_IFLNK ? linkTarget(image, inode) : external ? redirectOf(inode) : undefined,
    content,
    digest: external ? digestOf(inode) : undefined,
    xattrs: ownXattrs(inode.xattrs, addedNames(image, { whiteout, marked })),
  };
}

function isWhiteout({ mode, size, xattrs }: RawInode): boolean {
  return (mode & S_IFMT) === S_IFREG && size === 0 && WHITEOUT_XATTRS.every((name) => xattrs.get(name) === "");
}

function linkTarget(image: Image, inode: RawInode): ByteString {
  const target = fromBuffer(readContent(image, inode));
  if (target.includes("\0")) throw damaged(inode.position, "a NUL byte in a link target");
  return target;
}

function redirectOf({ xattrs, position }: RawInode): ByteString | undefined {
  const redirect = xattrs.get(REDIRECT);
  if (redirect === undefined) return undefined;
  if (!redirect.startsWith("/") || redirect.length === 1 || redirect.includes("\0")) throw damaged(position, "not a path of an object");
  return redirect.slice(1);
}

/** The digest of an external file; undefined when it was written without one. */
export function digestOf({ xattrs, position }: RawInode): string | undefined {
  const metacopy = xattrs.get(METACOPY);
  const digest = metacopy === undefined ? undefined : digestOfMetacopy(metacopy);
  if (metacopy === undefined || (metacopy !== "" && digest === undefined)) throw damaged(position, "an external file without metacopy");
  return digest;
}

function addedNames({ version }: Image, { whiteout, marked }: { whiteout: boolean; marked: boolean }): readonly string[] {
  if (whiteout) return WHITEOUT_XATTRS;
  if (!marked) return [];
  return version === 1 ? [...WHITEOUTS_XATTRS, ...WHITEOUTS_OPAQUE_XATTRS] : WHITEOUTS_XATTRS;
}

/** Takes off what the writer added, and one level of escaping from what it found. */
function ownXattrs(xattrs: ReadonlyMap<ByteString, ByteString>, added: readonly string[]): ReadonlyMap<ByteString, ByteString> {
  const own = new Map<ByteString, ByteString>();
  for (const [name, value] of xattrs) {
    if (added.includes(name)) continue;
    if (!name.startsWith(OVERLAY_PREFIX)) own.set(name, value);
    else if (name.startsWith(OVERLAY_ESCAPE_PREFIX)) own.set(OVERLAY_PREFIX + name.slice(OVERLAY_ESCAPE_PREFIX.length), value);
  }
  return own.size === 0 ? NO_XATTRS : own;
}
