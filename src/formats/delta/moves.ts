/** Where the bytes of an old file are in a new one: stretches of both that are nearly the same. */
import { firstWhere } from "../search.ts";
import { DeltaError } from "./errors.ts";
import { putSigned, putVarint, readVarints } from "./varint.ts";

export interface Move {
  /** Places in both files, and bytes. */
  readonly old: number;
  readonly next: number;
  readonly length: number;
}

export interface Moves {
  /** Where in the old file a place of the new one is from; a place between stretches goes with the one before it. */
  readonly toOld: (next: number) => number;
  /** Where in the new file a place of the old one went; of several stretches that have it, the longest counts. */
  readonly toNext: (old: number) => number;
}

/** Shorter ones are more often chance, and cost more than they tell. */
const LENGTH_MIN = 128;
const MOVES_MAX = 1_000_000;

/** @param steps of a {@link Difference} */
export function movesOf(steps: readonly number[]): Move[] {
  const moves: Move[] = [];
  let [old, next] = [0, 0];
  for (let at = 0; at < steps.length; at += 3) {
    const [same, extra, jump] = [steps[at]!, steps[at + 1]!, steps[at + 2]!];
    if (same >= LENGTH_MIN) moves.push({ old, next, length: same });
    [old, next] = [old + same + jump, next + same + extra];
  }
  return moves;
}

export function renderMoves(moves: readonly Move[]): Buffer {
  const numbers: number[] = [];
  let [oldEnd, nextEnd] = [0, 0];
  for (const { old, next, length } of moves) {
    putVarint(numbers, next - nextEnd);
    putSigned(numbers, old - oldEnd);
    putVarint(numbers, length);
    [oldEnd, nextEnd] = [old + length, next + length];
  }
  return Buffer.from(numbers);
}

/** Inverse of {@link renderMoves}. @throws DeltaError */
export function parseMoves(bytes: Buffer): Move[] {
  const numbers = readVarints(bytes);
  const moves: Move[] = [];
  let [oldEnd, nextEnd] = [0, 0];
  while (numbers.left > 0) {
    if (moves.length === MOVES_MAX) throw new DeltaError("there are too many moves");
    const move = { next: nextEnd + numbers.next(), old: oldEnd + numbers.signed(), length: numbers.next() };
    moves.push(move);
    [oldEnd, nextEnd] = [move.old + move.length, move.next + move.length];
  }
  return moves;
}

export function openMoves(moves: readonly Move[]): Moves {
  const there = { from: Float64Array.from(moves, ({ next }) => next), by: Float64Array.from(moves, ({ old, next }) => old - next) };
  const back = longest(moves);
  const [shiftThere, shiftBack] = [shiftIn(there), shiftIn(back)];
  return { toOld: (next) => next + shiftThere(next), toNext: (old) => old + shiftBack(old) };
}

/** From each place on, places move by so many bytes. */
interface Shifts {
  readonly from: Float64Array;
  readonly by: Float64Array;
}

/** How far a place moves. Most times it moves as the one before. */
function shiftIn({ from, by }: Shifts): (place: number) => number {
  let last = 0;
  return (place) => {
    if (last > 0 && from[last - 1]! <= place && (last === from.length || place < from[last]!)) return by[last - 1]!;
    last = firstWhere(from.length, (at) => from[at]! > place);
    return by[last - 1] ?? 0;
  };
}

/** Cuts the old file where a stretch begins or ends; each part moves with the longest stretch that has it. */
function longest(moves: readonly Move[]): Shifts {
  const cuts = Float64Array.from(new Set(moves.flatMap(({ old, length }) => [old, old + length]))).sort();
  const placeOf = new Map(Array.from(cuts, (cut, place) => [cut, place]));
  const shifts = new Float64Array(cuts.length).fill(Number.NaN);
  // The next part that has no stretch yet: parts that are done are passed over at once.
  const free = Uint32Array.from({ length: cuts.length + 1 }, (_, place) => place);
  const freeAt = (place: number): number => {
    let at = place;
    while (free[at] !== at) at = free[at] = free[free[at]!]!;
    return at;
  };
  for (const { old, next, length } of [...moves].sort((a, b) => b.length - a.length)) {
    const end = placeOf.get(old + length)!;
    for (let at = freeAt(placeOf.get(old)!); at < end; at = freeAt(at)) {
      shifts[at] = next - old;
      free[at] = at + 1;
    }
  }
  for (let at = 0; at < shifts.length; at++) if (Number.isNaN(shifts[at])) shifts[at] = shifts[at - 1] ?? 0;
  return { from: cuts, by: shifts };
}
