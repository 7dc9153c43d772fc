/**
 * What a new file has other than an old one, in the way of bsdiff (Percival, "Naive differences of executable code"):
 * stretches that are nearly the same are written as byte-wise differences, which are nearly all zero and the same where
 * addresses moved by the same amount; all else as it is.
 */
import { createMatcher, matchLength } from "./matcher.ts";

export interface Difference {
  /** Three numbers each: bytes of a stretch, bytes that are new, and how far the place in the old file jumps then. */
  readonly steps: readonly number[];
  /** Differences of the stretches, modulo 256. */
  readonly changes: Buffer;
  /** New bytes. */
  readonly fresh: Buffer;
}

/** A match elsewhere must be better by this many bytes than going on here: it costs a step. */
const JUMP_COST = 8;
/** On the same diagonal so many equal bytes are taken at once. */
const RUN = 24;

export function differenceOf(old: Uint8Array, next: Uint8Array): Difference {
  return differenceAlong(stepsBetween(old, next), old, next);
}

/** The steps of a difference: which stretches belong together. */
export function stepsBetween(old: Uint8Array, next: Uint8Array): readonly number[] {
  const matcher = createMatcher(old);
  const steps: number[] = [];
  let [scan, length, place] = [0, 0, 0];
  let [lastScan, lastPlace, offset] = [0, 0, 0];
  const same = (at: number): boolean => at + offset >= 0 && at + offset < old.length && old[at + offset] === next[at];

  while (scan < next.length) {
    let score = 0;
    let counted = (scan += length);
    for (; scan < next.length; scan++) {
      const here = scan + offset >= 0 && scan + offset < old.length ? matchLength(old, scan + offset, next, scan) : 0;
      if (here >= RUN) [length, place] = [here, scan + offset];
      else {
        length = matcher.find(next, scan);
        place = matcher.place;
        if (here >= length) [length, place] = [here, scan + offset];
      }
      for (; counted < scan + length; counted++) if (same(counted)) score++;
      if ((length === score && length !== 0) || length > score + JUMP_COST) break;
      if (same(scan)) score--;
    }
    if (length === score && scan !== next.length) continue;
    const end = { scan, place };
    const forward = extendForward(old, next, { scan: lastScan, place: lastPlace }, scan);
    let backward = scan < next.length ? extendBackward(old, next, end, lastScan) : 0;
    let ahead = forward;
    const overlap = lastScan + forward - (scan - backward);
    if (overlap > 0) {
      const split = bestSplit(
        old,
        next,
        {
          last: { scan: lastScan + forward - overlap, place: lastPlace + forward - overlap },
          end: { scan: scan - backward, place: place - backward },
        },
        overlap,
      );
      ahead += split - overlap;
      backward -= split;
    }
    const added = scan - backward - (lastScan + ahead);
    steps.push(ahead, added, place - backward - (lastPlace + ahead));
    [lastScan, lastPlace, offset] = [scan - backward, place - backward, place - scan];
  }
  return steps;
}

/** The difference with given steps, which may be those between other forms of the same files. */
export function differenceAlong(steps: readonly number[], old: Uint8Array, next: Uint8Array): Difference {
  const changes = Buffer.allocUnsafe(steps.reduce((sum, count, at) => (at % 3 === 0 ? sum + count : sum), 0));
  const fresh: Uint8Array[] = [];
  let [place, scan, filled] = [0, 0, 0];
  for (let at = 0; at < steps.length; at += 3) {
    const [same, extra, jump] = [steps[at]!, steps[at + 1]!, steps[at + 2]!];
    for (let each = 0; each < same; each++) changes[filled + each] = next[scan + each]! - old[place + each]!;
    fresh.push(next.subarray(scan + same, scan + same + extra));
    [place, scan, filled] = [place + same + jump, scan + same + extra, filled + same];
  }
  return { steps, changes, fresh: Buffer.concat(fresh) };
}

interface Place {
  readonly scan: number;
  readonly place: number;
}

/** How far behind a place at least half of the bytes are the same. */
function extendForward(old: Uint8Array, next: Uint8Array, { scan, place }: Place, limit: number): number {
  let [equal, best, length] = [0, 0, 0];
  for (let at = 0; scan + at < limit && place + at < old.length;) {
    if (old[place + at] === next[scan + at]) equal++;
    at++;
    if (equal * 2 - at > best * 2 - length) [best, length] = [equal, at];
  }
  return length;
}

function extendBackward(old: Uint8Array, next: Uint8Array, { scan, place }: Place, limit: number): number {
  let [equal, best, length] = [0, 0, 0];
  for (let at = 1; scan - at >= limit && place - at >= 0; at++) {
    if (old[place - at] === next[scan - at]) equal++;
    if (equal * 2 - at > best * 2 - length) [best, length] = [equal, at];
  }
  return length;
}

/** Of bytes that both stretches could have: how many the first one gets. */
function bestSplit(old: Uint8Array, next: Uint8Array, { last, end }: { last: Place; end: Place }, overlap: number): number {
  let [score, best, split] = [0, 0, 0];
  for (let at = 0; at < overlap; at++) {
    if (next[last.scan + at] === old[last.place + at]) score++;
    if (next[end.scan + at] === old[end.place + at]) score--;
    if (score > best) [best, split] = [score, at + 1];
  }
  return split;
}
