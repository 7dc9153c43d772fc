/** What is there already of objects that come in pieces: a transfer that was killed leaves it, and the next one goes on from it. */
import { closeSync, constants, ftruncateSync, openSync, rmSync, statSync } from "node:fs";
import { DeltaError } from "#formats/delta/errors.ts";
import type { ObjectId } from "#store/object.ts";
import { partialPath } from "#store/partial.ts";
import type { Store } from "#store/store.ts";
import { tryLock } from "#sys/flock.ts";
import type { ReleaseObject } from "../release.ts";
import type { DeltaIndex, GroupPiece } from "./index-file.ts";

export interface PartialFile {
  readonly path: string;
  readonly fd: number;
  /** Bytes, up to the end of a piece. */
  size: number;
}

export interface Partials {
  /** Bytes of the object at this place that are here, up to the end of a piece. */
  held(place: number): number;
  /** Where a piece ends in its object. */
  endOf(piece: GroupPiece): number;
}

/** The last piece of an object is never held: taking it is what makes the object. */
export function findPartials(index: DeltaIndex, release: readonly ReleaseObject[], store: Store): Partials {
  const ends = new Map<GroupPiece, number>();
  const totals = new Map<number, number>();
  const held = new Map<number, number>();
  const here = new Map<number, number>();
  const sizeHere = (place: number): number => {
    const item = release[place];
    return item === undefined ? 0 : (statSync(partialPath(store.root, item.object), { throwIfNoEntry: false })?.size ?? 0);
  };
  for (const piece of index.groups.flatMap(({ pieces }) => pieces)) {
    const { place, length } = piece;
    const start = totals.get(place) ?? 0;
    ends.set(piece, start + length);
    totals.set(place, start + length);
    if (start <= 0) continue;
    const size = here.get(place) ?? sizeHere(place);
    here.set(place, size);
    if (start <= size) held.set(place, Math.max(start, held.get(place) ?? 0));
  }
  return { held: (place) => held.get(place) ?? 0, endOf: (piece) => ends.get(piece) ?? 0 };
}

/** @param held bytes to go on from. @throws DeltaError when another process makes the object */
export function openPartial(store: Store, object: ObjectId, held: number): PartialFile {
  const path = partialPath(store.root, object);
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  if (!tryLock(fd, "exclusive")) {
    closeSync(fd);
    throw new DeltaError("another process makes the same object");
  }
  ftruncateSync(fd, held);
  return { path, fd, size: held };
}

export function dropPartials(store: Store, objects: Iterable<ObjectId>): void {
  for (const object of objects) rmSync(partialPath(store.root, object), { force: true });
}
