/**
 * Patches as bytes (docs/formats/delta.md). A patch makes one piece of a new file:
 *
 *   steps     place in the old file; then for each step: bytes that are nearly the same, bytes that are new, jump
 *   changes   differences of the first kind, without the zeros between them
 *   fresh     bytes of the second kind
 *
 * Kept apart, because each of them compresses in its own way.
 */
import { differenceOf } from "./diff.ts";
import type { Difference } from "./diff.ts";
import { DeltaError } from "./errors.ts";
import { putSigned, putVarint, readVarints } from "./varint.ts";

export interface Patch {
  readonly steps: Buffer;
  readonly changes: Buffer;
  readonly fresh: Buffer;
}

export interface Piece extends Patch {
  /** Bytes of the new file. */
  readonly length: number;
}

/** Pieces of at most `most` bytes that need no old file; one for no bytes. */
export function freshPieces(content: Buffer, most: number): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < content.length || at === 0; at += most) {
    const fresh = content.subarray(at, at + most);
    pieces.push({ steps: Buffer.alloc(0), changes: Buffer.alloc(0), fresh, length: fresh.length });
  }
  return pieces;
}

/** Zeros that end a run of changes: fewer cost less as they are. */
const GAP = 4;

/** The patches that make `next` of `old`, for pieces of at most `most` bytes in the order of the file. */
export function makePatches(old: Uint8Array, next: Uint8Array, most: number): Piece[] {
  return patchesOf(differenceOf(old, next), most);
}

/** {@link makePatches} of a difference that is known. */
export function patchesOf({ steps, changes, fresh }: Difference, most: number): Piece[] {
  const pieces: Piece[] = [];
  let open = newPiece(0);
  let [place, changed, added] = [0, 0, 0];
  const close = (): void => {
    pieces.push(finish(open));
    open = newPiece(place);
  };
  for (let at = 0; at < steps.length; at += 3) {
    let [same, extra] = [steps[at]!, steps[at + 1]!];
    if (same + extra === 0) {
      open.steps.push([0, 0, steps[at + 2]!]);
      place += steps[at + 2]!;
    }
    while (same + extra > 0) {
      const room = most - open.length;
      const [takenSame, takenExtra] = [Math.min(same, room), Math.min(extra, Math.max(0, room - same))];
      open.changes.push(changes.subarray(changed, (changed += takenSame)));
      open.fresh.push(fresh.subarray(added, (added += takenExtra)));
      [same, extra, place] = [same - takenSame, extra - takenExtra, place + takenSame];
      open.length += takenSame + takenExtra;
      const jump = same + extra === 0 ? steps[at + 2]! : 0;
      place += jump;
      open.steps.push([takenSame, takenExtra, jump]);
      if (open.length === most) close();
    }
  }
  if (open.length > 0 || pieces.length === 0) close();
  return pieces;
}

interface OpenPiece {
  readonly start: number;
  readonly steps: (readonly [number, number, number])[];
  readonly changes: Buffer[];
  readonly fresh: Buffer[];
  length: number;
}

function newPiece(start: number): OpenPiece {
  return { start, steps: [], changes: [], fresh: [], length: 0 };
}

function finish({ start, steps, changes, fresh, length }: OpenPiece): Piece {
  const numbers: number[] = [];
  putVarint(numbers, Math.max(0, start));
  for (const [place, [same, extra, jump]] of steps.entries()) {
    putVarint(numbers, same);
    putVarint(numbers, extra);
    // Where the last step leads to is of no use.
    putSigned(numbers, place === steps.length - 1 ? 0 : jump);
  }
  return { steps: Buffer.from(numbers), changes: sparse(Buffer.concat(changes)), fresh: Buffer.concat(fresh), length };
}

/** Zeros counted, all else as it is. */
function sparse(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    let start = at;
    while (start < bytes.length && bytes[start] === 0) start++;
    let [end, zeros] = [start, 0];
    for (let look = start; look < bytes.length && zeros < GAP; look++) {
      zeros = bytes[look] === 0 ? zeros + 1 : 0;
      if (zeros === 0) end = look + 1;
    }
    const counts: number[] = [];
    putVarint(counts, start - at);
    putVarint(counts, end - start);
    parts.push(Buffer.from(counts), bytes.subarray(start, end));
    at = end;
  }
  return Buffer.concat(parts);
}

export interface OldFile {
  /** Bytes. */
  readonly size: number;
  /** Fills `into` with what is at `place`, all of which is there. */
  read(place: number, into: Buffer): void;
}

/**
 * Applies a patch: exactly `length` bytes, or an error. Needs memory for these and for the patch, whatever the patch says.
 * @param next where the bytes go
 * @throws DeltaError
 */
export function applyPatch({ steps, changes, fresh }: Patch, old: OldFile, length: number, next: Buffer = Buffer.alloc(length)): Buffer {
  const [numbers, runs] = [readVarints(steps), readVarints(changes)];
  let place = numbers.next();
  let [filled, added, changed] = [0, 0, 0];
  const stretches: Buffer[] = [];
  while (numbers.left > 0) {
    const [same, extra, jump] = [numbers.next(), numbers.next(), numbers.signed()];
    if (same + extra > length - filled) throw new DeltaError(`a step of ${same} and ${extra} bytes is too long`);
    if (place < 0 || place + same > old.size) throw new DeltaError(`a step reads beyond the old file, at ${place}`);
    if (added + extra > fresh.length) throw new DeltaError("there are too few new bytes");
    if (same > 0) {
      const stretch = next.subarray(filled, filled + same);
      old.read(place, stretch);
      stretches.push(stretch);
    }
    fresh.copy(next, filled + same, added, added + extra);
    [filled, added, changed, place] = [filled + same + extra, added + extra, changed + same, place + same + jump];
  }
  if (filled !== length || added !== fresh.length) throw new DeltaError(`a piece has ${filled} bytes instead of ${length}`);
  addChanges(stretches, runs, changed);
  return next;
}

function addChanges(stretches: readonly Buffer[], runs: ReturnType<typeof readVarints>, total: number): void {
  let [index, at, done] = [0, 0, 0];
  /** Passes over `count` bytes of the stretches, adding to them what there is to add. */
  const advance = (count: number, changes: Buffer | undefined): void => {
    if (count > total - done) throw new DeltaError("changes go beyond the piece");
    done += count;
    for (let used = 0; used < count;) {
      const stretch = stretches[index]!;
      const here = Math.min(count - used, stretch.length - at);
      if (changes !== undefined) for (let byte = 0; byte < here; byte++) stretch[at + byte]! += changes[used + byte]!;
      [used, at] = [used + here, at + here];
      if (at === stretch.length) [index, at] = [index + 1, 0];
    }
  };
  while (runs.left > 0) {
    advance(runs.next(), undefined);
    const count = runs.next();
    advance(count, runs.take(count));
  }
  if (done !== total) throw new DeltaError(`changes are there for ${done} of ${total} bytes`);
}
