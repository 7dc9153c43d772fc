/** Puts pieces together to objects. An object gets its name when all of it is there and has that digest. */
import { randomBytes } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DeltaError } from "#formats/delta/errors.ts";
import { applyPatch } from "#formats/delta/patch.ts";
import type { OldFile } from "#formats/delta/patch.ts";
import { verityDigest, verityDigestOfFile } from "#formats/fsverity.ts";
import { pack } from "#formats/packed.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import type { ReleaseObject } from "../release.ts";
import type { GroupPiece, PackedObject } from "./index-file.ts";
import { openUnpacked } from "./unpacked.ts";

export interface Assembly {
  /**
   * Takes the next piece of an object.
   * @returns whether the object is in the store now
   * @throws DeltaError; the object cannot be made then
   */
  take(wanted: ReleaseObject, piece: GroupPiece, parts: Parts): Promise<boolean>;
  /** Drops what is not complete. */
  [Symbol.dispose](): void;
}

export interface Parts {
  readonly steps: Buffer;
  readonly changes: Buffer;
  readonly fresh: Buffer;
}

interface Open {
  readonly path: string;
  readonly fd: number;
  size: number;
}

/**
 * @param bases old objects by their places
 * @param packed objects whose pieces make what is packed in them
 */
export function openAssembly(store: Store, bases: readonly (ObjectId | undefined)[], packed: readonly PackedObject[]): Assembly {
  const open = new Map<ObjectId, Open>();
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
        const content = contentOf(piece, parts, bases, inside === undefined ? store : unpackedBases);
        if (content.length === size) return addWhole(store, wanted, inside === undefined ? content : pack(content));
        const file = open.get(wanted.object) ?? begin(store);
        open.set(wanted.object, file);
        for (let at = 0; at < content.length;) at += writeSync(file.fd, content, at);
        file.size += content.length;
        if (file.size < size) return false;
        if (inside !== undefined) return addWhole(store, wanted, pack(readWhole(file)));
        await addFile(store, wanted, file);
        drop(wanted.object);
        return true;
      } catch (error) {
        drop(wanted.object);
        throw error;
      }
    },
    [Symbol.dispose]: () => {
      for (const object of open.keys()) drop(object);
      unpackedBases[Symbol.dispose]();
    },
  };
}

function contentOf(
  { base, length }: GroupPiece,
  parts: Parts,
  bases: readonly (ObjectId | undefined)[],
  from: Pick<Store, "pathOf">,
): Buffer {
  if (base < 0) {
    if (parts.fresh.length !== length) throw new DeltaError(`a piece of ${length} bytes has ${parts.fresh.length}`);
    return parts.fresh;
  }
  const old = bases[base];
  if (old === undefined) throw new DeltaError("an old object is missing");
  const fd = openSync(from.pathOf(old), "r");
  try {
    return applyPatch(parts, oldFile(fd, fstatSync(fd).size), length);
  } finally {
    closeSync(fd);
  }
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

async function addFile(store: Store, { object, size }: ReleaseObject, { path, fd }: Open): Promise<void> {
  if (verityDigestOfFile(fd, size) !== object) throw new DeltaError(`what was made for ${object} has another digest`);
  await store.addFiles([{ path, size }], { move: true });
}

function readWhole({ fd, size }: Open): Buffer {
  const content = Buffer.alloc(size);
  for (let at = 0; at < size;) at += readSync(fd, content, at, size - at, at);
  return content;
}

function begin(store: Store): Open {
  const path = join(store.root, "tmp", `delta-${randomBytes(8).toString("hex")}`);
  return { path, fd: openSync(path, "wx+"), size: 0 };
}
