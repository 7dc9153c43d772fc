/**
 * Making objects. Content is written aside in `tmp/`, gets its final mode and verity, and then its name in one rename:
 * whoever sees an object sees all of it. All calls are synchronous: in worker threads that is faster than promises.
 */
import { randomBytes } from "node:crypto";
import { closeSync, constants, existsSync, fchmodSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { AshlarError, hasErrno } from "#errors";
import { verityDigest } from "#formats/fsverity.ts";
import { enableVerity, measureVerity } from "#sys/verity.ts";
import { writeAll } from "#sys/write-all.ts";
import type { StoreErrorCode } from "./errors.ts";
import { objectPath } from "./layout.ts";
import type { ObjectId } from "./object.ts";
import type { VerityMode } from "./store.ts";

/** A store as its writers see it. */
export interface Target {
  readonly root: string;
  readonly verity: VerityMode;
}

export const OBJECT_MODE = 0o444;

/** Stores bytes unless they are there. */
export function placeBytes(target: Target, content: Buffer): ObjectId {
  const object = verityDigest(content) as ObjectId;
  if (!existsSync(objectPath(target.root, object))) writeObject(target, object, content);
  return object;
}

/** Stores bytes also where an object has their name already: what has that name may be damaged. */
export function replaceBytes(target: Target, content: Buffer): ObjectId {
  const object = verityDigest(content) as ObjectId;
  writeObject(target, object, content);
  return object;
}

/** Writes bytes whose digest is known. */
export function writeObject(target: Target, object: ObjectId, content: Buffer): void {
  placeAside(target, object, (aside) => {
    const fd = openSync(aside, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, OBJECT_MODE);
    try {
      writeAll(fd, content);
      fchmodSync(fd, OBJECT_MODE);
    } finally {
      closeSync(fd);
    }
  });
}

/** Lets `write` make a file aside, with its final mode, and gives it its name; nothing is left behind when that fails. */
export function placeAside(target: Target, object: ObjectId, write: (aside: string) => void): void {
  const aside = asidePath(target.root);
  try {
    write(aside);
    protectPath(target, object, aside);
    renameInto(target.root, aside, object);
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
}

/** Gives a finished file the name of its object. */
export function renameInto(root: string, path: string | Buffer, object: ObjectId): void {
  const name = objectPath(root, object);
  try {
    renameSync(path, name);
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error;
    mkdirSync(dirname(name), { recursive: true });
    renameSync(path, name);
  }
}

/**
 * Turns verity on, as far as the store asks for it, and compares the kernel's digest with the name.
 * @throws E_STORE_CORRUPT when they differ; in a store that requires verity E_VERITY_UNSUPPORTED and the others of sys/verity.ts
 */
export function protect(target: Target, object: ObjectId, fd: number, path: string): void {
  if (target.verity === "off") return;
  try {
    enableVerity(fd, path);
  } catch (error) {
    if (target.verity === "try" && error instanceof AshlarError && error.code === "E_VERITY_UNSUPPORTED") return;
    throw error;
  }
  const measured = measureVerity(fd, path);
  if (measured !== object)
    throw new AshlarError<StoreErrorCode>(
      "E_STORE_CORRUPT",
      `${path}: the kernel measures ${measured ?? "another algorithm"}, not ${object}`,
      {
        hint: "the file changed while it was stored; run the command again",
        details: { path, object, measured },
      },
    );
}

function protectPath(target: Target, object: ObjectId, path: string): void {
  if (target.verity === "off") return;
  const fd = openSync(path, constants.O_RDONLY);
  try {
    protect(target, object, fd, path);
  } finally {
    closeSync(fd);
  }
}

// Random per thread: process ids repeat in other namespaces that share the store.
const asidePrefix = randomBytes(8).toString("hex");
let asideCount = 0;

function asidePath(root: string): string {
  return `${root}/tmp/${asidePrefix}-${++asideCount}`;
}
