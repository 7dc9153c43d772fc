/**
 * Objects that travel as what is inside them, because they are compressed: initrds, which Ashlar packs itself and so can pack
 * again, and kernels, which have been packed with more effort than a machine has (formats/delta/framed.ts).
 */
import { DeltaError } from "#formats/delta/errors.ts";
import { FRAMED, closeFramed, insideFramed, patchFramed } from "#formats/delta/framed.ts";
import { squeezed } from "#formats/delta/old-file.ts";
import { makePatches } from "#formats/delta/patch.ts";
import type { OldFile, Piece } from "#formats/delta/patch.ts";
import { release } from "#formats/memory.ts";
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

/** An old object, of which a new one can be made. */
export interface OldInside {
  /** What patches read. */
  readonly file: OldFile;
  /** Makes the object. @param made by the pieces. @param size bytes of the object. @throws DeltaError */
  readonly make: (made: OldFile, size: number) => Buffer;
}

/** @throws DeltaError when it has nothing inside */
export function openInside(how: string, old: Buffer): OldInside {
  const inside = how === FRAMED ? openFramed(old) : openPacked(old);
  if (inside === undefined) throw new DeltaError("an old object is not packed");
  return inside;
}

function openFramed(old: Buffer): OldInside | undefined {
  const inside = insideFramed(old, PACKED_CONTENT_MAX);
  if (inside === undefined) return undefined;
  const { parts, matches } = inside;
  const file = squeezed(parts);
  release(parts[0]);
  return { file, make: (made, size) => closeFramed(matches, made, size) };
}

function openPacked(old: Buffer): OldInside | undefined {
  try {
    const { content } = readFrame(old, 0, PACKED_CONTENT_MAX);
    const file = squeezed([content]);
    release(content);
    return { file, make: packAgain };
  } catch (error) {
    if (error instanceof ZstdError) return undefined;
    throw error;
  }
}

function packAgain(made: OldFile): Buffer {
  const content = Buffer.allocUnsafe(made.size);
  made.read(0, content);
  return pack(content);
}
