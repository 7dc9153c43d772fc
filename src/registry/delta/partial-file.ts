/** The beginning of an object, while it comes. */
import { closeSync, constants, fstatSync, ftruncateSync, openSync } from "node:fs";
import { DeltaError } from "#formats/delta/errors.ts";
import type { ObjectId } from "#store/object.ts";
import { partialPath } from "#store/partial.ts";
import type { Store } from "#store/store.ts";
import { tryLock } from "#sys/flock.ts";

export interface PartialFile {
  readonly path: string;
  readonly fd: number;
  /** Bytes, up to the end of a piece. */
  size: number;
}

/** @param held bytes to go on from; without it, what is there. @throws DeltaError when another process makes the object */
export function openPartial(store: Store, object: ObjectId, held?: number): PartialFile {
  const path = partialPath(store.root, object);
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  if (!tryLock(fd, "exclusive")) {
    closeSync(fd);
    throw new DeltaError("another process makes the same object");
  }
  if (held !== undefined) ftruncateSync(fd, held);
  return { path, fd, size: held ?? fstatSync(fd).size };
}
