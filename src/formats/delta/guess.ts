/** What a compressor most likely chose, from what it chose for an old file that is nearly the same. */
import type { Matches } from "#formats/zstd/open-frame.ts";
import type { Moves } from "./moves.ts";

/** As in a frame: literals before a match, its length, and its offset. */
export interface Choice {
  literals: number;
  length: number;
  offset: number;
}

/** Offsets up to this repeat an earlier one. */
export const REPEATED_MAX = 3;
/** So many matches are looked at before all are searched. */
const NEAR = 4;

/** @returns a function that guesses the sequence that follows a place of the new content, into the same record each time */
export function openGuesses({ count, starts, lengths, offsets }: Matches, { toOld, toNext }: Moves): (place: number) => Choice {
  const choice: Choice = { literals: 0, length: 0, offset: 0 };
  const endOf = (at: number): number => starts[at]! + lengths[at]!;
  let last = 0;
  /** The first old match that ends behind a place: most times the next one. */
  const matchBehind = (place: number): number => {
    for (let near = last; near < last + NEAR && near < count; near++)
      if (endOf(near) > place && (near === 0 || endOf(near - 1) <= place)) return (last = near);
    let [low, high] = [0, count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (endOf(middle) <= place) low = middle + 1;
      else high = middle;
    }
    return (last = low);
  };
  return (place) => {
    const old = toOld(place);
    const at = matchBehind(old);
    [choice.literals, choice.length, choice.offset] = [0, 0, 0];
    if (at === count) return choice;
    const [start, offset] = [starts[at]!, offsets[at]!];
    // A match that has begun already goes on here.
    const inside = Math.max(0, old - start);
    choice.literals = Math.max(0, start - old);
    choice.length = lengths[at]! - inside;
    const source = start + inside - (offset - REPEATED_MAX);
    choice.offset = offset <= REPEATED_MAX ? offset : place + choice.literals - toNext(source) + REPEATED_MAX;
    return choice;
  };
}
