/**
 * Objects that travel as what is inside them, because they are compressed: initrds, which Ashlar packs itself and so can pack
 * again, and kernels, which have been packed with more effort than a machine has (formats/delta/framed.ts).
 */
import { DeltaError } from "#formats/delta/errors.ts";
import { FRAMED, closeFramed, insideFramed, patchFramed } from "#formats/delta/framed.ts";
import { fileOf } from "#formats/delta/old-file.ts";
import { makePatches } from "#formats/delta/patch.ts";
import type { OldFile, Piece } from "#formats/delta/patch.ts";
import { PACKING, pack, unpack } from "#formats/packed.ts";
import { ZstdError } from "#formats/zstd/errors.ts";
import { readFrame } from "#formats/zstd/read-frame.ts";
import { PACKED_CONTENT_MAX } from "./index-file.ts";

/** Bytes that a piece makes: one of them is in memory, and a killed transfer loses what it had of one. */
const PIECE = 512 * 1024;

export interface InsidePatch {
  /** See `PackedObject` of the index. */
  readonly how: string;
  readonly size: number;
  readonly pieces: readonly Piece[];
}

/** Whether this program can make what an index says is packed so. */
export function canMake(how: string): boolean {
  return how === PACKING || how === FRAMED;
}

/** @returns undefined where there is nothing inside, or where packing it would not give just these bytes */
export function patchInside(old: Buffer, next: Buffer): InsidePatch | undefined {
  const [before, inside] = [unpack(old), unpack(next)];
  const fits = before !== undefined && inside !== undefined && Math.max(inside.length, before.length) <= PACKED_CONTENT_MAX;
  if (fits && pack(inside).equals(next)) return { how: PACKING, size: inside.length, pieces: makePatches(before, inside, PIECE) };
  const framed = patchFramed(old, next, { piece: PIECE, size: PACKED_CONTENT_MAX });
  return framed === undefined ? undefined : { how: FRAMED, ...framed };
}

/** What patches read of an old object. @throws DeltaError when it has nothing inside */
export function insideOf(how: string, old: Buffer): OldFile {
  const parts = how === FRAMED ? insideFramed(old, PACKED_CONTENT_MAX) : insidePacked(old);
  if (parts === undefined) throw new DeltaError("an old object is not packed");
  return fileOf(parts);
}

/** In no more memory than it has itself. */
function insidePacked(old: Buffer): readonly Buffer[] | undefined {
  try {
    return [readFrame(old, 0, PACKED_CONTENT_MAX)];
  } catch (error) {
    if (error instanceof ZstdError) return undefined;
    throw error;
  }
}

export interface Making {
  readonly how: string;
  /** What the pieces made. */
  readonly inside: OldFile;
  /** Bytes of the object. */
  readonly size: number;
  /** Reads the object before. */
  readonly old: () => Buffer;
}

/** Makes the object of what is inside it. @throws DeltaError */
export function makeOfInside({ how, inside, size, old }: Making): Buffer {
  if (how === FRAMED) return closeFramed(old, inside, size);
  const content = Buffer.allocUnsafe(inside.size);
  inside.read(0, content);
  return pack(content);
}
