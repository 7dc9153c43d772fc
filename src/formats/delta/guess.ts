/** What a compressor most likely chose, from what it chose for an old file that is nearly the same. */
import type { FindMatch } from "#formats/zstd/matches.ts";
import type { Moves } from "./moves.ts";

/** As in a frame: literals before a match, its length, and its offset. */
export interface Choice {
  literals: number;
  length: number;
  offset: number;
}

/** Offsets up to this repeat an earlier one. */
export const REPEATED_MAX = 3;

/** @returns a function that guesses the sequence that follows a place of the new content, into the same record each time */
export function openGuesses(matchBehind: FindMatch, { toOld, toNext }: Moves): (place: number) => Choice {
  const choice: Choice = { literals: 0, length: 0, offset: 0 };
  return (place) => {
    const old = toOld(place);
    const match = matchBehind(old);
    [choice.literals, choice.length, choice.offset] = [0, 0, 0];
    if (match === undefined) return choice;
    const { start, length, offset } = match;
    // A match that has begun already goes on here.
    const inside = Math.max(0, old - start);
    choice.literals = Math.max(0, start - old);
    choice.length = length - inside;
    const source = start + inside - (offset - REPEATED_MAX);
    choice.offset = offset <= REPEATED_MAX ? offset : place + choice.literals - toNext(source) + REPEATED_MAX;
    return choice;
  };
}
