/** Judging one object: its content against its name. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { messageOf } from "#errors";
import { verityDigestOfFile } from "#formats/fsverity.ts";
import { measureVerity } from "#sys/verity.ts";
import { objectPath } from "./layout.ts";
import type { ObjectId } from "./object.ts";
import { protect } from "./place.ts";
import type { Target } from "./place.ts";

/** Bytes. */
const READ_SIZE = 1024 * 1024;

export type ObjectProblem =
  /** The content has another digest than the name says. */
  | { readonly kind: "corrupt"; readonly found: string }
  /** The kernel does not give the content: verity found a changed block, or the disk fails. */
  | { readonly kind: "unreadable"; readonly reason: string }
  /** The content is right, but verity is (or was, before it was repaired) not on where the store requires it. */
  | { readonly kind: "unprotected" };

export interface CheckedObject {
  /** Bytes of content. */
  readonly size: number;
  readonly problem?: ObjectProblem;
}

/** Reads an object and measures it again. With `repair`, verity that is missing is turned on. */
export function checkObject(target: Target, object: ObjectId, repair: boolean): CheckedObject {
  const path = objectPath(target.root, object);
  let size = 0;
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      size = fstatSync(fd).size;
      if (target.verity === "require" && measureVerity(fd, path) === object) {
        readThrough(fd, size);
        return { size };
      }
      const found = verityDigestOfFile(fd, size);
      if (found !== object) return { size, problem: { kind: "corrupt", found } };
      if (target.verity !== "require") return { size };
      if (repair) protect(target, object, fd, path);
      return { size, problem: { kind: "unprotected" } };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return { size, problem: { kind: "unreadable", reason: messageOf(error) } };
  }
}

/** The kernel compares every block that is read with the digest it vouches for; hashing all of it again would find no more. */
function readThrough(fd: number, size: number): void {
  const buffer = Buffer.allocUnsafe(Math.min(READ_SIZE, Math.max(size, 1)));
  for (let at = 0; at < size;) {
    const read = readSync(fd, buffer, 0, buffer.length, at);
    if (read === 0) throw new Error(`it ends after ${at} of ${size} bytes`);
    at += read;
  }
}
