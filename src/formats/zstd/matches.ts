/** The sequences of a frame by where they are in the content, read when they are asked for: a kernel has millions of them. */
import { keepRecent } from "../recent.ts";
import { firstWhere } from "../search.ts";
import { ZstdError } from "./errors.ts";
import { createRoom, readSequences } from "./sequences.ts";
import type { SequenceStream, Sequences } from "./sequences.ts";

/** A block that has sequences. */
export interface MatchBlock extends SequenceStream {
  /** Where its content begins, and where its last match ends. */
  readonly place: number;
  readonly matchEnd: number;
}

export interface Match {
  /** Where the bytes that repeat earlier ones are, and how many. */
  readonly start: number;
  readonly length: number;
  /** As in {@link Sequences}. */
  readonly offset: number;
}

/** The first match that ends behind a place of the content; used until the next one is asked for. */
export type FindMatch = (place: number) => Match | undefined;

/** Blocks whose sequences are in memory. */
const KEPT = 8;

/**
 * Where the matches of a block end, and its content.
 * @param literals how many the block has
 * @throws ZstdError when its sequences need more
 */
export function endsOf(
  { count, literals: lengths, matches }: Sequences,
  literals: number,
  place: number,
): { matchEnd: number; end: number } {
  let [matchEnd, left] = [place, literals];
  for (let at = 0; at < count; at++) {
    matchEnd += lengths[at]! + matches[at]!;
    left -= lengths[at]!;
  }
  if (left < 0) throw new ZstdError("a block has too few literals");
  return { matchEnd, end: matchEnd + left };
}

/** @param bytes that the streams are in. @param blocks in order */
export function openMatches(bytes: Buffer, blocks: readonly MatchBlock[]): FindMatch {
  const open = keepRecent<OpenBlock>(KEPT, (at, before) => openBlock(bytes, blocks[at]!, before?.roomFor ?? createRoom()));
  const blockEnd = (at: number): number => blocks[at]!.matchEnd;
  let last = 0;
  return (place) => {
    last = firstBehind(place, { last, count: blocks.length, endOf: blockEnd });
    return last === blocks.length ? undefined : open(last).find(place);
  };
}

interface OpenBlock {
  /** Finds the first match that ends behind a place; the last one of the block does. */
  readonly find: (place: number) => Match;
  readonly roomFor: ReturnType<typeof createRoom>;
}

function openBlock(bytes: Buffer, block: MatchBlock, roomFor: OpenBlock["roomFor"]): OpenBlock {
  const { count, literals, matches: lengths, offsets } = readSequences(bytes, block, roomFor(block.count));
  const starts = literals;
  for (let [at, place] = [0, block.place]; at < count; at++) {
    starts[at]! += place;
    place = starts[at]! + lengths[at]!;
  }
  const endOf = (at: number): number => starts[at]! + lengths[at]!;
  const match = { start: 0, length: 0, offset: 0 };
  let last = 0;
  const find = (place: number): Match => {
    last = firstBehind(place, { last, count, endOf });
    [match.start, match.length, match.offset] = [starts[last]!, lengths[last]!, offsets[last]!];
    return match;
  };
  return { find, roomFor };
}

interface Ends {
  readonly last: number;
  readonly count: number;
  readonly endOf: (at: number) => number;
}

/** So many are looked at before all are searched: most times it is the next one. */
const NEAR = 4;

function firstBehind(place: number, { last, count, endOf }: Ends): number {
  for (let near = last; near < last + NEAR && near < count; near++)
    if (endOf(near) > place && (near === 0 || endOf(near - 1) <= place)) return near;
  return firstWhere(count, (at) => endOf(at) > place);
}
