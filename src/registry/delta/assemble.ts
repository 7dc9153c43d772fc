/** Puts pieces together to objects. An object gets its name when all of it is there and has that digest. */
import { closeSync, fstatSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { DeltaError } from "#formats/delta/errors.ts";
import { applyPatch } from "#formats/delta/patch.ts";
import type { OldFile } from "#formats/delta/patch.ts";
import { verityDigest, verityDigestOfFile } from "#formats/fsverity.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import type { ReleaseObject } from "../release.ts";
import type { GroupPiece, PackedObject } from "./index-file.ts";
import { makeOfInside } from "./inside.ts";
import { openPartial } from "./partial.ts";
import type { PartialFile, Partials } from "./partial.ts";
import { openUnpacked } from "./unpacked.ts";

export interface Assembly {
  /**
   * Takes the next piece of an object.
   * @returns whether the object is in the store now
   * @throws DeltaError; the object cannot be made then
   */
  take(wanted: ReleaseObject, piece: GroupPiece, parts: Parts): Promise<boolean>;
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
  const unpackedBases = openUnpacked(store);
  const drop = (object: ObjectId): void => {
    const file = open.get(object);
    if (file === undefined) return;
    closeSync(file.fd);
    rmSync(file.path, { force: true });
    open.delete(object);
  };
  return {
    take: async (wanted, piece, parts) => {
      try {
        const inside = packed.find(({ place }) => place === piece.place);
        const size = inside?.size ?? wanted.size;
        const start = partials.endOf(piece) - piece.length;
        if (start < partials.held(piece.place)) return false;
        const content = contentOf(piece, parts, bases, (old) =>
          inside === undefined ? store.pathOf(old) : unpackedBases.pathOf(old, inside.how),
        );
        if (content.length === size && inside === undefined) return addWhole(store, wanted, content);
        const file = open.get(wanted.object) ?? openPartial(store, wanted.object, partials.held(piece.place));
        open.set(wanted.object, file);
        if (start !== file.size) throw new DeltaError("a piece is missing");
        for (let at = 0; at < content.length;) at += writeSync(file.fd, content, at, content.length - at, start + at);
        file.size += content.length;
        if (file.size < size) return false;
        if (inside !== undefined) {
          const old = (): Buffer => store.read(known(bases, inside.base));
          addWhole(store, wanted, makeOfInside({ how: inside.how, inside: oldFile(file.fd, size), size: wanted.size, old }));
        } else await addFile(store, wanted, file);
        drop(wanted.object);
        return true;
      } catch (error) {
        drop(wanted.object);
        throw error;
      }
    },
    abandon: () => {
      for (const object of open.keys()) drop(object);
    },
    [Symbol.dispose]: () => {
      for (const { fd } of open.values()) closeSync(fd);
      unpackedBases[Symbol.dispose]();
    },
  };
}

function contentOf(
  { base, length }: GroupPiece,
  parts: Parts,
  bases: readonly (ObjectId | undefined)[],
  pathOf: (old: ObjectId) => string,
): Buffer {
  if (base < 0) {
    if (parts.fresh.length !== length) throw new DeltaError(`a piece of ${length} bytes has ${parts.fresh.length}`);
    return parts.fresh;
  }
  const fd = openSync(pathOf(known(bases, base)), "r");
  try {
    return applyPatch(parts, oldFile(fd, fstatSync(fd).size), length);
  } finally {
    closeSync(fd);
  }
}

function known(bases: readonly (ObjectId | undefined)[], place: number): ObjectId {
  const old = bases[place];
  if (old === undefined) throw new DeltaError("an old object is missing");
  return old;
}

function oldFile(fd: number, size: number): OldFile {
  return {
    size,
    read: (place, into) => {
      for (let at = 0; at < into.length;) {
        const count = readSync(fd, into, at, into.length - at, place + at);
        if (count === 0) throw new DeltaError("an old object is shorter than it was");
        at += count;
      }
    },
  };
}

function addWhole(store: Store, { object }: ReleaseObject, content: Buffer): true {
  if (verityDigest(content) !== object) throw new DeltaError(`what was made for ${object} has another digest`);
  store.add(content);
  return true;
}

async function addFile(store: Store, { object, size }: ReleaseObject, { path, fd }: PartialFile): Promise<void> {
  if (verityDigestOfFile(fd, size) !== object) throw new DeltaError(`what was made for ${object} has another digest`);
  await store.addFiles([{ path, size }], { move: true });
}
