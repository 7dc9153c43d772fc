/**
 * Makes a path what it should be, through the merged view of its overlay: the kernel forbids to change an upper layer behind
 * a mounted overlay's back. A path that is like the image again no longer counts as drift, though the layer still has a copy.
 */
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  rmdirSync,
  symlinkSync,
} from "node:fs";
import { hasErrno } from "#errors";
import { fromText, toBuffer } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { writeAll } from "#sys/write-all.ts";
import { getXattr, listXattrs, removeXattr, setXattr } from "#sys/xattr.ts";
import { kindOf } from "./image.ts";
import type { ImageView } from "./image.ts";

/** What a path should be. */
export interface Wanted {
  readonly kind: "file" | "directory" | "symlink";
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly xattrs: ReadonlyMap<ByteString, ByteString>;
  readonly target?: ByteString;
  readonly content?: Buffer;
}

/**
 * Gives a path, and with `deep` everything below it, the image's form again; what the image has not is removed.
 * @param root "/" on a machine
 */
export function restoreFromImage(root: string, path: ByteString, image: ImageView, deep: boolean): void {
  const node = image.node(path);
  if (node === undefined) {
    removePath(root, path);
    return;
  }
  const kind = kindOf(node.mode);
  // Devices and pipes: an image of packages has none below /etc and /usr.
  if (kind === "other") return;
  putPath(root, path, {
    kind,
    mode: node.mode & 0o7777,
    uid: node.uid,
    gid: node.gid,
    xattrs: node.xattrs,
    ...(kind === "symlink" ? { target: node.payload ?? "" } : {}),
    ...(kind === "file" ? { content: image.content(node) } : {}),
  });
  if (!deep || kind !== "directory") return;
  for (const below of image.below(path)) if (!below.slice(path.length + 1).includes("/")) restoreFromImage(root, below, image, true);
}

/** Removes a path and all below it; nothing happens when it is not there. */
export function removePath(root: string, path: ByteString): void {
  rmSync(local(root, path), { recursive: true, force: true });
}

/** Removes a folder in which nothing is. @returns whether it did */
export function removeEmpty(root: string, path: ByteString): boolean {
  try {
    rmdirSync(local(root, path));
    return true;
  } catch (error) {
    if (["ENOTEMPTY", "ENOENT", "ENOTDIR", "EBUSY"].some((errno) => hasErrno(error, errno))) return false;
    throw error;
  }
}

/** Puts a file, folder or link in one step: a reader sees the old one or the new one. A folder keeps what is in it. */
export function putPath(root: string, path: ByteString, wanted: Wanted): void {
  const at = local(root, path);
  const there = kindAt(at);
  if (wanted.kind === "directory") {
    if (there !== undefined && there !== "directory") rmSync(at);
    if (there !== "directory") {
      makeParents(root, path);
      mkdirSync(at);
    }
    finish(root, path, wanted);
    return;
  }
  if (there === "directory") rmSync(at, { recursive: true });
  else if (there === undefined) makeParents(root, path);
  const folder = path.slice(0, path.lastIndexOf("/"));
  const aside = `${folder}/.ashlar-${randomBytes(6).toString("hex")}`;
  try {
    if (wanted.kind === "symlink") symlinkSync(toBuffer(wanted.target ?? ""), local(root, aside));
    else writeFile(local(root, aside), wanted);
    finish(root, aside, wanted);
    renameSync(local(root, aside), at);
  } catch (error) {
    rmSync(local(root, aside), { force: true });
    throw error;
  }
}

function writeFile(path: Buffer, { content, mode, uid, gid }: Wanted): void {
  const fd = openSync(path, "wx", 0o600);
  try {
    const bytes = content ?? Buffer.alloc(0);
    writeAll(fd, bytes);
    fchownSync(fd, uid, gid);
    fchmodSync(fd, mode);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Owner before mode: a change of owner takes setuid away. */
function finish(root: string, path: ByteString, { kind, mode, uid, gid, xattrs }: Wanted): void {
  lchownSync(local(root, path), uid, gid);
  if (kind === "directory") chownSync(local(root, path), uid, gid);
  if (kind !== "symlink") chmodSync(local(root, path), mode);
  const name = fromText(root === "/" ? "" : root) + path;
  for (const old of listXattrs(name)) if (!xattrs.has(old) && !old.startsWith("trusted.overlay.")) removeXattr(name, old);
  for (const [key, value] of xattrs) if (getXattr(name, key) !== value) setXattr(name, key, value);
}

function makeParents(root: string, path: ByteString): void {
  mkdirSync(local(root, path.slice(0, path.lastIndexOf("/"))), { recursive: true });
}

function kindAt(path: Buffer): ReturnType<typeof kindOf> | undefined {
  try {
    return kindOf(lstatSync(path).mode);
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR")) return undefined;
    throw error;
  }
}

function local(root: string, path: ByteString): Buffer {
  return Buffer.concat([Buffer.from(root === "/" ? "" : root), toBuffer(path)]);
}
