/** Puts pieces together to objects. An object gets its name when all of it is there and has that digest. */
import { randomBytes } from "node:crypto";
import { closeSync, fstatSync, openSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DeltaError } from "#formats/delta/errors.ts";
import type { Made } from "#formats/delta/framed.ts";
import { joined, openFile } from "#formats/delta/old-file.ts";
import { createByteRoom, release } from "#formats/memory.ts";
import { verityDigest, verityDigestOfFile } from "#formats/fsverity.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import { writeAll } from "#sys/write-all.ts";
import type { ReleaseObject } from "../release.ts";
import type { GroupPiece, PackedObject } from "./index-file.ts";
import { applyPiece, openHeld } from "./held.ts";
import type { HeldPieces } from "./held.ts";
import { makeInside } from "./inside.ts";
import { openPartial } from "./partial-file.ts";
import type { PartialFile } from "./partial-file.ts";
import type { Partials } from "./partial.ts";

export interface Assembly {
  /**
   * Takes the next piece of an object.
   * @returns whether the object is in the store now
   * @throws DeltaError; the object cannot be made then
   */
  take(wanted: ReleaseObject, piece: GroupPiece, parts: Parts): Promise<boolean>;
  /**
   * Makes an object of what is packed in it, when all its pieces were taken: it takes seconds, in which nothing is read.
   * @throws DeltaError
   */
  make(wanted: ReleaseObject, inside: PackedObject): Promise<boolean>;
  /** Drops what is not complete: nobody will go on with it. */
  abandon(): void;
  /** Leaves what is not complete to the next transfer. */
  [Symbol.dispose](): void;
}

export interface Parts {
  readonly steps: Buffer;
  readonly changes: Buffer;
  readonly fresh: Buffer;
}

export interface AssemblyOptions {
  readonly store: Store;
  /** Old objects by their places. */
  readonly bases: readonly (ObjectId | undefined)[];
  /** Objects whose pieces make what is packed in them. */
  readonly packed: readonly PackedObject[];
  /** What an earlier transfer left. */
  readonly partials: Partials;
}

export function openAssembly({ store, bases, packed, partials }: AssemblyOptions): Assembly {
  const open = new Map<ObjectId, PartialFile>();
  const held = new Map<ObjectId, HeldPieces>();
  const room = createByteRoom();
  const insides = new Map(packed.map((inside) => [inside.place, inside]));
  const drop = (object: ObjectId): void => {
    const file = open.get(object);
    if (file !== undefined) {
      closeSync(file.fd);
      rmSync(file.path, { force: true });
    }
    held.get(object)?.remove();
    open.delete(object);
    held.delete(object);
  };
  const takePlain = async (wanted: ReleaseObject, piece: GroupPiece, parts: Parts): Promise<boolean> => {
    const start = partials.endOf(piece) - piece.length;
    const content = contentOf(piece, parts, { bases, store, room });
    if (content.length === wanted.size) return addWhole(store, wanted, content);
    const file = open.get(wanted.object) ?? openPartial(store, wanted.object, partials.held(piece.place));
    open.set(wanted.object, file);
    if (start !== file.size) throw new DeltaError("a piece is missing");
    writeAll(file.fd, content, start);
    file.size += content.length;
    if (file.size < wanted.size) return false;
    open.delete(wanted.object);
    await addFile(store, wanted, file);
    return true;
  };
  const heldOf = (wanted: ReleaseObject, place: number): HeldPieces => {
    const before = partials.piecesOf(place).filter((each) => partials.endOf(each) <= partials.held(place)).length;
    const file = held.get(wanted.object) ?? openHeld(store, wanted.object, before);
    held.set(wanted.object, file);
    return file;
  };
  const makeOf = async (wanted: ReleaseObject, { how, base }: PackedObject, made: Made): Promise<boolean> => {
    const old = store.read(known(bases, base));
    const content = await makeInside(how, old, made, wanted.size);
    release(old);
    addWhole(store, wanted, content);
    release(content);
    return true;
  };
  const makePacked = (wanted: ReleaseObject, inside: PackedObject): Promise<boolean> => {
    const [pieces, file] = [partials.piecesOf(inside.place), heldOf(wanted, inside.place)];
    if (file.count !== pieces.length) throw new DeltaError("a piece is missing");
    return makeOf(wanted, inside, (old) => file.made(pieces, old));
  };
  /** Drops what is left of an object when it is made, and when it cannot be. */
  const dropping = async (wanted: ReleaseObject, work: () => boolean | Promise<boolean>): Promise<boolean> => {
    try {
      const isThere = await work();
      if (isThere) drop(wanted.object);
      return isThere;
    } catch (error) {
      drop(wanted.object);
      throw error;
    }
  };
  return {
    take: (wanted, piece, parts) =>
      dropping(wanted, () => {
        if (partials.endOf(piece) <= partials.held(piece.place)) return false;
        const inside = insides.get(piece.place);
        if (inside === undefined) return takePlain(wanted, piece, parts);
        // One that is so small is made at once.
        if (partials.piecesOf(piece.place).length === 1)
          return makeOf(wanted, inside, (old) => joined([piece], (_, into) => applyPiece(piece, parts, old, into)));
        heldOf(wanted, piece.place).append(parts);
        return false;
      }),
    make: (wanted, inside) => dropping(wanted, () => makePacked(wanted, inside)),
    abandon: () => {
      for (const object of [...open.keys(), ...held.keys()]) drop(object);
    },
    [Symbol.dispose]: () => {
      for (const { fd } of open.values()) closeSync(fd);
      for (const file of held.values()) file.close();
    },
  };
}

interface Making extends Pick<AssemblyOptions, "bases" | "store"> {
  readonly room: (size: number) => Buffer;
}

/** Valid until the next one is made. */
function contentOf(piece: GroupPiece, parts: Parts, { bases, store, room }: Making): Buffer {
  if (piece.base < 0) return applyPiece(piece, parts);
  const fd = openSync(store.pathOf(known(bases, piece.base)), "r");
  try {
    return applyPiece(piece, parts, openFile(fd, fstatSync(fd).size), room(piece.length));
  } finally {
    closeSync(fd);
  }
}

function known(bases: readonly (ObjectId | undefined)[], place: number): ObjectId {
  const old = bases[place];
  if (old === undefined) throw new DeltaError("an old object is missing");
  return old;
}

function addWhole(store: Store, { object }: ReleaseObject, content: Buffer): true {
  if (verityDigest(content) !== object) throw new DeltaError(`what was made for ${object} has another digest`);
  store.add(content);
  return true;
}

/** fs-verity wants a file that nobody writes to; under another name no other transfer goes on with it either. */
async function addFile(store: Store, { object, size }: ReleaseObject, { path, fd }: PartialFile): Promise<void> {
  const aside = join(store.root, "tmp", `whole-${randomBytes(8).toString("hex")}`);
  try {
    const made = verityDigestOfFile(fd, size);
    renameSync(path, aside);
    closeSync(fd);
    if (made !== object) throw new DeltaError(`what was made for ${object} has another digest`);
    await store.addFiles([{ path: aside, size }], { move: true });
  } finally {
    rmSync(aside, { force: true });
  }
}
