/**
 * Objects that travel as what is inside them, because they are compressed: initrds, which Ashlar packs itself and so can pack
 * again; kernels, which have been packed with more effort than a machine has (formats/delta/framed.ts); and what Debian's packages
 * compress (gzip.ts).
 */
import { DeltaError } from "#formats/delta/errors.ts";
import { FRAMED, closeFramed, insideFramed, patchFramed } from "#formats/delta/framed.ts";
import type { Made } from "#formats/delta/framed.ts";
import { fileOf, squeezed } from "#formats/delta/old-file.ts";
import { makePatches } from "#formats/delta/patch.ts";
import type { OldFile, Piece } from "#formats/delta/patch.ts";
import { release } from "#formats/memory.ts";
import { PACKING, pack, unpack } from "#formats/packed.ts";
import { ZstdError } from "#formats/zstd/errors.ts";
import { readContent } from "#formats/zstd/read-frame.ts";
import { GZIP, gunzip, gzip, isGnuGzip, isGzip } from "./gzip.ts";
import { PACKED_CONTENT_MAX } from "./index-file.ts";

/** Bytes that a piece makes: one of them is in memory, and a killed transfer loses what it had of one. */
const PIECE = 512 * 1024;

export interface InsidePatch {
  /** See `PackedObject` of the index. */
  readonly how: string;
  readonly size: number;
  readonly pieces: readonly Piece[];
}

/** What of the ways that an index names can be gone on this machine. */
export async function waysHere(named: readonly string[]): Promise<ReadonlySet<string>> {
  return new Set([PACKING, FRAMED, ...(named.includes(GZIP) && (await isGnuGzip()) ? [GZIP] : [])]);
}

/** @returns undefined where there is nothing inside, or where packing it would not give just these bytes */
export async function patchInside(old: Buffer, next: Buffer): Promise<InsidePatch | undefined> {
  return isGzip(next) ? patchGzip(old, next) : patchBoot(old, next);
}

async function patchGzip(old: Buffer, next: Buffer): Promise<InsidePatch | undefined> {
  const [before, inside] = [gunzip(old, PACKED_CONTENT_MAX), gunzip(next, PACKED_CONTENT_MAX)];
  if (before === undefined || inside === undefined || inside.length === 0 || !(await isGnuGzip())) return undefined;
  return (await gzip(inside)).equals(next) ? { how: GZIP, size: inside.length, pieces: makePatches(before, inside, PIECE) } : undefined;
}

function patchBoot(old: Buffer, next: Buffer): InsidePatch | undefined {
  const [before, inside] = [unpack(old), unpack(next)];
  const fits = before !== undefined && inside !== undefined && Math.max(inside.length, before.length) <= PACKED_CONTENT_MAX;
  if (fits && pack(inside).equals(next)) return { how: PACKING, size: inside.length, pieces: makePatches(before, inside, PIECE) };
  const framed = patchFramed(old, next, { piece: PIECE, size: PACKED_CONTENT_MAX });
  return framed === undefined ? undefined : { how: FRAMED, ...framed };
}

/**
 * Makes an object of an old one.
 * @param old bytes of the old object. @param made by the pieces. @param size bytes of the new object
 * @throws DeltaError
 */
export async function makeInside(how: string, old: Buffer, made: Made, size: number): Promise<Buffer> {
  if (how === FRAMED) return makeFramed(old, made, size);
  return how === GZIP ? makeGzip(old, made) : makePacked(old, made);
}

function makePacked(old: Buffer, made: Made): Buffer {
  using before = unpacked(old);
  const content = contentOf(made(before));
  const packed = pack(content);
  release(content);
  return packed;
}

async function makeGzip(old: Buffer, made: Made): Promise<Buffer> {
  const before = gunzip(old, PACKED_CONTENT_MAX);
  if (before === undefined) throw new DeltaError("an old object is not packed");
  return gzip(contentOf(made(fileOf([before]))));
}

function makeFramed(old: Buffer, made: Made, size: number): Buffer {
  const inside = insideFramed(old, PACKED_CONTENT_MAX);
  if (inside === undefined) throw new DeltaError("an old object has no frame");
  return closeFramed(inside, made, size);
}

function contentOf(file: OldFile): Buffer {
  const content = Buffer.allocUnsafe(file.size);
  file.read(0, content);
  return content;
}

function unpacked(old: Buffer): ReturnType<typeof squeezed> {
  try {
    const content = readContent(old, 0, PACKED_CONTENT_MAX);
    const file = squeezed([content]);
    release(content);
    return file;
  } catch (error) {
    if (error instanceof ZstdError) throw new DeltaError("an old object is not packed", { cause: error });
    throw error;
  }
}
