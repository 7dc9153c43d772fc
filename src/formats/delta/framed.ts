/**
 * Files with one large zstd frame in them, such as kernels: sent as what changed inside, and how the compressor's choices
 * differ from those that it made for the old file (docs/formats/delta.md, "Frames").
 */
import { closeFrame } from "#formats/zstd/close-frame.ts";
import { ZstdError } from "#formats/zstd/errors.ts";
import { BLOCK_MAX, MAGIC, frameEnd } from "#formats/zstd/frame.ts";
import { openMatches } from "#formats/zstd/matches.ts";
import type { FindMatch } from "#formats/zstd/matches.ts";
import { openFrame } from "#formats/zstd/open-frame.ts";
import { readFrame } from "#formats/zstd/read-frame.ts";
import { release } from "../memory.ts";
import { DeltaError } from "./errors.ts";
import { fileOf, joined, squeezed } from "./old-file.ts";
import { applyPatch, freshPieces, patchesOf } from "./patch.ts";
import type { OldFile, Piece } from "./patch.ts";
import { differenceOfPrograms } from "./program/difference.ts";
import { programOf } from "./program/elf.ts";
import { relocate } from "./program/relocate.ts";
import { makeRecipe, readRecipe } from "./recipe.ts";

/** Names how a file is put together; any change of it is another name. */
export const FRAMED = "zstd-sequences-2";

/** Smaller ones are not worth it. */
const FRAME_MIN = 16 * 1024;
/** Bytes of a recipe in one piece. */
const RECIPE_PIECE = 48 * 1024;
/** Sizes of the content, of what is before and behind the frame, and of the recipe. */
const TRAILER = 16;

/** Where the first frame is that is whole. @returns undefined where there is none */
function findFrame(file: Buffer): { readonly start: number; readonly end: number } | undefined {
  const magic = Buffer.alloc(4);
  magic.writeUInt32LE(MAGIC);
  for (let start = file.indexOf(magic); start >= 0; start = file.indexOf(magic, start + 1)) {
    try {
      const end = frameEnd(file, start);
      if (end - start >= FRAME_MIN) return { start, end };
    } catch (error) {
      if (!(error instanceof ZstdError)) throw error;
    }
  }
  return undefined;
}

export interface InsideFramed {
  /** What patches read: the content, then what is before and behind the frame. */
  readonly parts: readonly [content: Buffer, before: Buffer, behind: Buffer];
  readonly matches: FindMatch;
}

/**
 * @param most bytes that the content may have
 * @returns undefined for a file without a frame, with a damaged one, or with more content
 */
export function insideFramed(file: Buffer, most: number): InsideFramed | undefined {
  const found = findFrame(file);
  if (found === undefined) return undefined;
  try {
    const { content, blocks } = readFrame(file, found.start, most);
    return { parts: [content, file.subarray(0, found.start), file.subarray(found.end)], matches: openMatches(file, blocks) };
  } catch (error) {
    if (error instanceof ZstdError) return undefined;
    throw error;
  }
}

export interface FramedPatch {
  /** Bytes that the pieces make. */
  readonly size: number;
  /** The last ones make the recipe; they need no old file. */
  readonly pieces: readonly Piece[];
}

/**
 * @param most bytes of what a piece makes, and `size` of the whole
 * @returns undefined when these are not two files with a frame, or when the new one cannot be made again bit for bit
 */
export function patchFramed(old: Buffer, next: Buffer, most: { readonly piece: number; readonly size: number }): FramedPatch | undefined {
  const [from, to] = [insideFramed(old, most.size), insideFramed(next, most.size)];
  if (from === undefined || to === undefined) return undefined;
  const nextInside = Buffer.concat(to.parts);
  const { difference, relocation } = differenceOfPrograms(Buffer.concat(from.parts), nextInside, {
    from: programOf(from.parts[0]),
    to: programOf(to.parts[0]),
  });
  const recipe = makeRecipe(from.matches, openFrame(next, to.parts[1].length), next, relocation);
  const trailer = Buffer.alloc(TRAILER);
  for (const [at, size] of [...to.parts.map(({ length }) => length), recipe.length].entries()) trailer.writeUInt32LE(size, at * 4);
  const behind = Buffer.concat([recipe, trailer]);
  const size = nextInside.length + behind.length;
  if (size > most.size) return undefined;
  const pieces = [...patchesOf(difference, most.piece), ...freshPieces(behind, RECIPE_PIECE)];
  return closeFramed(from, applied(pieces), next.length).equals(next) ? { size, pieces } : undefined;
}

/** What pieces make of an old file. */
export type Made = (old: OldFile) => OldFile;

export function applied(pieces: readonly Piece[]): Made {
  return (old) =>
    joined(pieces, (at, into) => {
      const piece = pieces[at]!;
      return piece.steps.length === 0 ? piece.fresh : applyPatch(piece, old, piece.length, into.subarray(0, piece.length));
    });
}

/**
 * Puts a file together.
 * @param old is used up. @param made what the pieces of {@link patchFramed} make of its parts. @param size of the new file
 * @throws DeltaError
 */
export function closeFramed({ parts, matches }: InsideFramed, made: Made, size: number): Buffer {
  const [oldContent] = parts;
  const behind = readBehind(made(fileOf([])));
  const recipe = readRecipe(behind.recipe, matches, { old: oldContent.length, next: behind.content });
  relocate(oldContent, recipe.relocation);
  using before = squeezed(parts);
  const inside = made(before);
  release(oldContent);
  const room = Buffer.alloc(BLOCK_MAX);
  /** Until the next ones are taken. */
  const take = (place: number, length: number): Buffer =>
    readAt(inside, place, length <= BLOCK_MAX ? room.subarray(0, length) : Buffer.alloc(length));
  const file = Buffer.alloc(size);
  let at = 0;
  const write = (bytes: Buffer): void => {
    if (at + bytes.length > size) throw new DeltaError("a framed file is longer than it has to be");
    at += bytes.copy(file, at);
  };
  try {
    write(take(behind.content, behind.before));
    closeFrame({ ...recipe, size: behind.content, read: take }, write);
    write(take(behind.content + behind.before, behind.after));
  } catch (error) {
    if (error instanceof ZstdError) throw new DeltaError(error.message, { cause: error });
    throw error;
  }
  if (at !== size) throw new DeltaError(`a framed file has ${at} bytes instead of ${size}`);
  return file;
}

interface Behind {
  /** Sizes. */
  readonly content: number;
  readonly before: number;
  readonly after: number;
  readonly recipe: Buffer;
}

/** @param made needs no old file at its end */
function readBehind(made: OldFile): Behind {
  const trailer = readAt(made, made.size - TRAILER, Buffer.alloc(TRAILER));
  const [content, before, after, recipe] = [0, 4, 8, 12].map((at) => trailer.readUInt32LE(at)) as [number, number, number, number];
  if (content + before + after + recipe + TRAILER !== made.size) throw new DeltaError("a framed file has parts of other sizes");
  return { content, before, after, recipe: readAt(made, made.size - TRAILER - recipe, Buffer.alloc(recipe)) };
}

function readAt(file: OldFile, place: number, into: Buffer): Buffer {
  if (place < 0 || place + into.length > file.size) throw new DeltaError("a framed file is shorter than it says");
  file.read(place, into);
  return into;
}
