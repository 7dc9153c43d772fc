/**
 * The pieces of an object that is packed, until all of them are there: as they came, because what they make is many times as
 * large as the object. The file has, for each piece, 32 bits with a length, and its parts as one zstd frame.
 */
import { closeSync, ftruncateSync, openSync, readSync, rmSync, statSync } from "node:fs";
import { constants as zlib, zstdCompressSync } from "node:zlib";
import { DeltaError } from "#formats/delta/errors.ts";
import { joined, openFile } from "#formats/delta/old-file.ts";
import { applyPatch } from "#formats/delta/patch.ts";
import type { OldFile } from "#formats/delta/patch.ts";
import { createByteRoom, decompressInto } from "#formats/memory.ts";
import type { ObjectId } from "#store/object.ts";
import { partialPath } from "#store/partial.ts";
import type { Store } from "#store/store.ts";
import { writeAll } from "#sys/write-all.ts";
import type { GroupPiece } from "./index-file.ts";
import { openPartial } from "./partial-file.ts";
import type { Parts } from "./assemble.ts";

const HEAD = 4;
/** Half a second for a kernel; less would be more to write. */
const LEVEL = 7;

export interface HeldPieces {
  /** How many there are. */
  readonly count: number;
  append(parts: Parts): void;
  /**
   * What all of them make, read as they are needed: one is in memory.
   * @param pieces as the index has them, all of the object
   * @param old what patches read
   */
  made(pieces: readonly GroupPiece[], old: OldFile): OldFile;
  close(): void;
  remove(): void;
}

/** How many whole pieces of an object an earlier transfer left. */
export function countHeld(root: string, object: ObjectId): number {
  const path = partialPath(root, object);
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return 0;
  const fd = openSync(path, "r");
  try {
    return placesIn(fd).length;
  } finally {
    closeSync(fd);
  }
}

/** @param keep pieces to go on from. @throws DeltaError when another process makes the object */
export function openHeld(store: Store, object: ObjectId, keep: number): HeldPieces {
  const { path, fd } = openPartial(store, object);
  const places = placesIn(fd).slice(0, keep);
  let end = places.reduce((sum, { size }) => sum + HEAD + size, 0);
  ftruncateSync(fd, end);
  return {
    get count() {
      return places.length;
    },
    append: ({ steps, changes, fresh }) => {
      const bytes = zstdCompressSync(Buffer.concat([steps, changes, fresh]), { params: { [zlib.ZSTD_c_compressionLevel]: LEVEL } });
      const head = Buffer.alloc(HEAD);
      head.writeUInt32LE(bytes.length);
      const record = Buffer.concat([head, bytes]);
      writeAll(fd, record, end);
      places.push({ at: end + HEAD, size: bytes.length });
      end += record.length;
    },
    made: (pieces, old) => {
      const [packedRoom, room] = [createByteRoom(), createByteRoom()];
      return joined(pieces, (at, into) => {
        const piece = pieces[at]!;
        const packed = packedRoom(places[at]!.size);
        openFile(fd, places[at]!.at + packed.length).read(places[at]!.at, packed);
        return applyPiece(piece, partsOf(piece, packed, room(piece.steps + piece.changes + piece.fresh)), old, into);
      });
    },
    close: () => closeSync(fd),
    remove: () => {
      closeSync(fd);
      rmSync(path, { force: true });
    },
  };
}

interface RecordPlace {
  readonly at: number;
  readonly size: number;
}

/** Up to the first one that is not whole. */
function placesIn(fd: number): RecordPlace[] {
  const places: RecordPlace[] = [];
  const head = Buffer.alloc(HEAD);
  const last = Buffer.alloc(1);
  for (let end = 0; readSync(fd, head, 0, HEAD, end) === HEAD;) {
    const place = { at: end + HEAD, size: head.readUInt32LE() };
    if (place.size === 0 || readSync(fd, last, 0, 1, place.at + place.size - 1) === 0) break;
    places.push(place);
    end = place.at + place.size;
  }
  return places;
}

/** @param room for them, of just their size. @throws DeltaError */
function partsOf({ steps, changes }: GroupPiece, packed: Buffer, room: Buffer): Parts {
  try {
    if (!decompressInto(packed, room)) throw new DeltaError("a piece is another one");
  } catch (error) {
    throw error instanceof DeltaError ? error : new DeltaError("a piece is damaged", { cause: error });
  }
  return { steps: room.subarray(0, steps), changes: room.subarray(steps, steps + changes), fresh: room.subarray(steps + changes) };
}

/** What one piece makes. @throws DeltaError */
export function applyPiece({ base, length }: GroupPiece, parts: Parts, old?: OldFile, into?: Buffer): Buffer {
  if (base >= 0 && old !== undefined) return applyPatch(parts, old, length, into?.subarray(0, length));
  if (parts.fresh.length !== length) throw new DeltaError(`a piece of ${length} bytes has ${parts.fresh.length}`);
  return parts.fresh;
}
