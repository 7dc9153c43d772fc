/** What is there already of objects that come in pieces: a transfer that was killed leaves it, and the next one goes on from it. */
import { rmSync, statSync } from "node:fs";
import type { ObjectId } from "#store/object.ts";
import { partialPath } from "#store/partial.ts";
import type { Store } from "#store/store.ts";
import type { ReleaseObject } from "../release.ts";
import { countHeld } from "./held.ts";
import type { DeltaIndex, GroupPiece } from "./index-file.ts";

export interface Partials {
  /** Bytes that the pieces of the object at this place make which are here. */
  held(place: number): number;
  /** Where a piece ends in what its object's pieces make. */
  endOf(piece: GroupPiece): number;
  /** All pieces of an object, in order. */
  piecesOf(place: number): readonly GroupPiece[];
}

export function findPartials(index: DeltaIndex, release: readonly ReleaseObject[], store: Store): Partials {
  const ends = new Map<GroupPiece, number>();
  const lists = new Map<number, GroupPiece[]>();
  for (const piece of index.groups.flatMap(({ pieces }) => pieces)) {
    const list = lists.get(piece.place) ?? [];
    const before = list.at(-1);
    ends.set(piece, (before === undefined ? 0 : ends.get(before)!) + piece.length);
    list.push(piece);
    lists.set(piece.place, list);
  }
  const packed = new Set(index.packed.map(({ place }) => place));
  const held = new Map<number, number>();
  for (const [place, list] of lists) {
    const item = release[place];
    if (item === undefined || (list.length === 1 && !packed.has(place))) continue;
    const before = list.map((piece) => ends.get(piece)!);
    const size = sizeHere(store, item.object);
    const end = packed.has(place)
      ? before[Math.min(before.length, countHeld(store.root, item.object)) - 1]
      : // Taking the last piece is what makes the object.
        before.slice(0, -1).findLast((each) => each <= size);
    if (end !== undefined) held.set(place, end);
  }
  return { held: (place) => held.get(place) ?? 0, endOf: (piece) => ends.get(piece) ?? 0, piecesOf: (place) => lists.get(place) ?? [] };
}

function sizeHere(store: Store, object: ObjectId): number {
  return statSync(partialPath(store.root, object), { throwIfNoEntry: false })?.size ?? 0;
}

export function dropPartials(store: Store, objects: Iterable<ObjectId>): void {
  for (const object of objects) rmSync(partialPath(store.root, object), { force: true });
}
