/** Finds where bytes of a new file occur in an old one: a hash of every eight bytes of the old, with chains of places. */

/** Finds the longest run of `fresh` from `at` that `old` has anywhere, as far as the chains are followed. */
export interface Matcher {
  /** @returns the length; the place is in {@link Matcher.place} */
  find(fresh: Uint8Array, at: number): number;
  place: number;
}

const KEY = 8;
/** Places that are looked at for one position. More finds little: the last ones are those of runs and tables. */
const CHAIN_MAX = 48;
/** Long enough that nothing better has to be looked for. */
const GOOD = 512;

/** @param old at most 2 GiB; the index takes eight times its bytes */
export function createMatcher(old: Uint8Array): Matcher {
  const bits = Math.max(10, Math.min(24, Math.ceil(Math.log2(old.length + 1))));
  const shift = 32 - bits;
  const heads = new Int32Array(2 ** bits).fill(-1);
  const chain = new Int32Array(old.length);
  // From the end, so that chains lead forward and the first place comes first.
  for (let at = old.length - KEY; at >= 0; at--) {
    const slot = keyOf(old, at) >>> shift;
    chain[at] = heads[slot]!;
    heads[slot] = at;
  }
  const matcher: Matcher = {
    place: 0,
    find: (fresh, at) => {
      if (at + KEY > fresh.length) return 0;
      let best = 0;
      let left = CHAIN_MAX;
      for (let from = heads[keyOf(fresh, at) >>> shift]!; from >= 0 && left-- > 0; from = chain[from]!) {
        // One that cannot be longer differs at the byte behind the best one.
        if (old[from + best] !== fresh[at + best]) continue;
        const length = matchLength(old, from, fresh, at);
        if (length <= best) continue;
        [best, matcher.place] = [length, from];
        if (length >= GOOD) break;
      }
      return best;
    },
  };
  return matcher;
}

/** How many bytes are the same. */
export function matchLength(old: Uint8Array, from: number, fresh: Uint8Array, at: number): number {
  const most = Math.min(old.length - from, fresh.length - at);
  let length = 0;
  while (length < most && old[from + length] === fresh[at + length]) length++;
  return length;
}

function keyOf(bytes: Uint8Array, at: number): number {
  const low = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  const high = bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24);
  return Math.imul(Math.imul(low, 0x9e3779b1) ^ high, 0x85ebca6b) ^ Math.imul(low, 0xc2b2ae35);
}
