/**
 * Unpacks packages into a tools tree: files only, no maintainer scripts, owned by whoever runs Ashlar. What a tools tree
 * never reads (documentation, translations) is left out.
 */
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import { toBuffer } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { readDeb } from "#formats/deb.ts";
import type { TarEntry } from "#formats/tar/entry.ts";
import { readTar } from "#formats/tar/reader.ts";
import type { Step } from "#report/reporter.ts";
import { toolchainError } from "./errors.ts";

const LEFT_OUT = /^\/usr\/share\/(doc|man|info|locale|lintian|bug|doc-base)\//;
/** Merged /usr: dpkg's packages still name the old folders in places. */
const MERGED = /^\/(bin|sbin|lib|lib32|lib64|libx32)(?=\/|$)/;
const MERGED_NAMES = ["bin", "sbin", "lib", "lib64"];
const LINKS_MAX = 40;
/** Packages decompressed at once, off the main thread. */
const AHEAD = 4;

/** Unpacks `archives` (paths of .deb files) in their order into `root`, which is empty. @throws E_TOOLCHAIN_UNPACK */
export async function unpackTools(root: string, archives: readonly string[], step: Step): Promise<void> {
  for (const name of MERGED_NAMES) {
    mkdirSync(join(root, "usr", name), { recursive: true });
    symlinkSync(`usr/${name}`, join(root, name));
  }
  const known = new Map<ByteString, TarEntry>();
  const reading = new Map<number, ReturnType<typeof readDeb>>();
  for (const [index] of archives.entries()) {
    for (const [ahead, path] of archives.slice(index, index + AHEAD).entries())
      if (!reading.has(index + ahead)) reading.set(index + ahead, readDeb(readFileSync(path)));
    const deb = await reading.get(index);
    reading.delete(index);
    if (deb !== undefined) for (const entry of readTar(deb.dataTar, { special: true })) placeEntry(root, entry, known);
    step.progress(index + 1, archives.length, "packages");
  }
}

function placeEntry(root: string, entry: TarEntry, known: Map<ByteString, TarEntry>): void {
  if (/^\/[^/]*$/.test(entry.path) && entry.type !== "directory") return; // base-files' own links to merged /usr
  const path = realPath(entry.path, known);
  if (path === "/" || LEFT_OUT.test(path)) return;
  const onDisk = diskPath(root, path);
  if (entry.type === "directory") {
    mkdirSync(onDisk, { recursive: true });
    known.set(path, entry);
    return;
  }
  mkdirSync(diskPath(root, posix.dirname(path)), { recursive: true });
  if (known.has(path)) rmSync(onDisk);
  known.set(path, entry);
  switch (entry.type) {
    case "file":
      writeFileSync(onDisk, entry.content);
      chmodSync(onDisk, entry.mode & 0o755);
      break;
    case "symlink":
      symlinkSync(toBuffer(entry.target), onDisk);
      break;
    case "hardlink":
      linkSync(diskPath(root, realPath(entry.target, known)), onDisk);
      break;
    case "fifo":
    case "character":
    case "block":
      // No tool needs one; the sandbox has its own /dev.
      known.delete(path);
  }
}

/** Follows symbolic links of earlier entries in the folders of a path, inside the tree and in memory only. */
function realPath(path: ByteString, known: ReadonlyMap<ByteString, TarEntry>): ByteString {
  let resolved = "/";
  let rest = path
    .replace(MERGED, "/usr/$1")
    .split("/")
    .filter((part) => part !== "");
  for (let links = 0; rest.length > 0;) {
    const [part = "", ...after] = rest;
    const next = posix.join(resolved, part);
    const entry = known.get(next);
    rest = after;
    if (after.length > 0 && entry?.type === "symlink") {
      if (++links > LINKS_MAX) throw toolchainError("E_TOOLCHAIN_UNPACK", `too many symbolic links at ${next}`);
      const target = posix.resolve(resolved, entry.target).replace(MERGED, "/usr/$1");
      rest = [...target.split("/").filter((name) => name !== ""), ...after];
      resolved = "/";
    } else resolved = next;
  }
  return resolved;
}

const diskPath = (root: string, path: ByteString): Buffer => Buffer.concat([Buffer.from(root), toBuffer(path)]);
