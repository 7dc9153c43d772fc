/**
 * Unpacks one verified package into a root being built. The archive is parsed in memory, strictly; only then is
 * anything written, and only below the root.
 */
import { closeSync, constants, fchmodSync, fchownSync, lchownSync, linkSync, openSync, readFileSync, symlinkSync } from "node:fs";
import { hasErrno } from "#errors";
import { fromBuffer, toBuffer } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { readDeb } from "#formats/deb.ts";
import type { TarEntry } from "#formats/tar/entry.ts";
import { readTar } from "#formats/tar/reader.ts";
import { writeAll } from "#sys/write-all.ts";
import { setXattr } from "#sys/xattr.ts";
import { createPlacer } from "./place.ts";
import type { Placer } from "./place.ts";
import { controlField } from "./unpacked.ts";
import type { UnpackedPackage } from "./unpacked.ts";

/** Unpacks packages one after the other, remembering where folders really are. */
export function createExtractor(root: string): (archive: string) => Promise<UnpackedPackage> {
  const placer = createPlacer(root);
  return async (archive) => {
    const deb = await readDeb(readFileSync(archive));
    const entries = readTar(deb.dataTar);
    const clashes: ByteString[] = [];
    const directories: UnpackedPackage["directories"][number][] = [];
    for (const entry of entries) {
      if (entry.type === "directory") {
        placer.folder(entry.path);
        directories.push({ path: entry.path, mode: entry.mode, uid: entry.uid, gid: entry.gid });
      } else if (!create(entry, placer)) clashes.push(entry.path);
    }
    return {
      name: controlField(deb.controlText, "Package") ?? "",
      architecture: controlField(deb.controlText, "Architecture") ?? "",
      version: controlField(deb.controlText, "Version") ?? "",
      control: deb.controlText,
      members: deb.members,
      list: entries.map((entry) => (entry.path === "/" ? "/." : entry.path)),
      directories,
      clashes,
    };
  };
}

/** Creates what is not a directory. Returns false when something is there already. */
function create(entry: TarEntry, placer: Placer): boolean {
  const path = placer.place(entry.path);
  try {
    switch (entry.type) {
      case "file":
        writeNew(path, entry);
        break;
      case "symlink":
        symlinkSync(toBuffer(entry.target), path);
        lchownSync(path, entry.uid, entry.gid);
        break;
      case "hardlink":
        linkSync(placer.place(entry.target), path);
        break;
      case "directory":
      case "character":
      case "block":
      case "fifo":
        throw new RangeError(`${entry.path} is a ${entry.type}, which cannot be created as a file`);
    }
    return true;
  } catch (error) {
    if (hasErrno(error, "EEXIST")) return false;
    throw error;
  }
}

function writeNew(path: Buffer, entry: Extract<TarEntry, { type: "file" }>): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    writeAll(fd, entry.content);
    // The owner first: changing it clears setuid and setgid.
    if (entry.uid !== 0 || entry.gid !== 0) fchownSync(fd, entry.uid, entry.gid);
    fchmodSync(fd, entry.mode);
  } finally {
    closeSync(fd);
  }
  for (const [name, value] of entry.xattrs) setXattr(fromBuffer(path), name, value);
}
