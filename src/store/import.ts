/** Turning files into objects, by moving them (no copy) or by copying (sharing blocks where the file system can). */
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  openSync,
  readSync,
  unlinkSync,
} from "node:fs";
import { AshlarError, hasErrno } from "#errors";
import { toText, fromBuffer } from "#formats/bytes.ts";
import { verityDigest, verityDigestOfFile } from "#formats/fsverity.ts";
import type { StoreErrorCode } from "./errors.ts";
import { objectPath } from "./layout.ts";
import type { ObjectId } from "./object.ts";
import { OBJECT_MODE, placeAside, protect, renameInto, writeObject } from "./place.ts";
import type { Target } from "./place.ts";
import type { FileToStore } from "./store.ts";

/** Files up to this size (bytes) are read whole, once, into a buffer that each thread keeps; most files of a system are smaller. */
const WHOLE_MAX = 1024 * 1024;
let whole: Buffer | undefined;

/**
 * Makes an object of a regular file.
 * @throws E_STORE_CHANGED when the file has not the size it was announced with, or changes meanwhile
 */
export function importFile(target: Target, file: FileToStore, move: boolean): ObjectId {
  const fd = openSync(file.path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const content = file.size <= WHOLE_MAX ? readWhole(fd, file) : undefined;
    const before = content === undefined ? fstatSync(fd, { bigint: true }) : undefined;
    const object = (content === undefined ? verityDigestOfFile(fd, file.size) : verityDigest(content)) as ObjectId;
    if (existsSync(objectPath(target.root, object))) {
      if (move) unlinkSync(file.path);
    } else if (!move || !moved(target, file.path, fd, object)) {
      if (content !== undefined) writeObject(target, object, content);
      else
        placeAside(target, object, (aside) => {
          copyFileSync(file.path, aside, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
          chmodSync(aside, OBJECT_MODE);
          const after = fstatSync(fd, { bigint: true });
          // A move that was not possible has changed mode and owner, and so ctime, already.
          const time = move ? "mtimeNs" : "ctimeNs";
          if (after[time] !== before?.[time] || after.size !== before.size) throw changed(file, "it was written to");
        });
      if (move) unlinkSync(file.path);
    }
    return object;
  } finally {
    closeSync(fd);
  }
}

/** Renames the file into the store; false when it lies on another file system. */
function moved(target: Target, path: string | Buffer, fd: number, object: ObjectId): boolean {
  fchmodSync(fd, OBJECT_MODE);
  const owner = process.getuid?.() ?? 0;
  if (fstatSync(fd).uid !== owner) fchownSync(fd, owner, process.getgid?.() ?? 0);
  protect(target, object, fd, printable(path));
  try {
    renameInto(target.root, path, object);
    return true;
  } catch (error) {
    if (hasErrno(error, "EXDEV")) return false;
    throw error;
  }
}

function readWhole(fd: number, file: FileToStore): Buffer {
  // One byte more than a whole file: a read that fills it shows that the file has grown.
  const buffer = (whole ??= Buffer.allocUnsafeSlow(WHOLE_MAX + 1));
  let filled = 0;
  for (;;) {
    const count = readSync(fd, buffer, filled, file.size + 1 - filled, filled);
    filled += count;
    if (count === 0 || filled > file.size) break;
  }
  if (filled !== file.size) throw changed(file, `${file.size} bytes were expected, ${filled > file.size ? "more" : filled} found`);
  return buffer.subarray(0, file.size);
}

function changed(file: FileToStore, why: string): AshlarError<StoreErrorCode> {
  const path = printable(file.path);
  return new AshlarError("E_STORE_CHANGED", `${path} changed while it was stored: ${why}`, {
    hint: "run the command again when nothing writes to the file",
    details: { path },
  });
}

function printable(path: string | Buffer): string {
  return typeof path === "string" ? path : toText(fromBuffer(path));
}
