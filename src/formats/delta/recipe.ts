/**
 * How the frame of a new file is made of its content, told by what is other than guessed from the old frame
 * (docs/formats/delta.md, "Frames"):
 *
 *   sizes     of the parts, as numbers
 *   moves     where old bytes are in the new content
 *   programs  that the old content and the new one are
 *   skeleton  of the frame
 *   flags     for each sequence, what of it is not as guessed
 *   literals, lengths    by how much, for those that are not
 *   offsets   of those that are not: all lowest bytes, then all second ones, and so on
 */
import type { FindMatch } from "#formats/zstd/matches.ts";
import type { OpenFrame } from "#formats/zstd/open-frame.ts";
import { createRoom, readSequences } from "#formats/zstd/sequences.ts";
import type { Sequences } from "#formats/zstd/sequences.ts";
import { DeltaError } from "./errors.ts";
import { REPEATED_MAX, openGuesses } from "./guess.ts";
import { parseProgram, renderProgram } from "./program/program.ts";
import type { Relocation } from "./program/relocate.ts";
import { openMoves, parseMoves, renderMoves } from "./moves.ts";
import { putSigned, putVarint, readVarints } from "./varint.ts";

const LITERALS = 1;
const LENGTH = 2;
/** The two bits above: an offset that repeats an earlier one. The one above them: any other. */
const REPEATED = 4;
const OFFSET = 16;
const OFFSET_BYTES = 4;

/** @param file that the new frame is in */
export function makeRecipe(old: FindMatch, { skeleton, blocks }: OpenFrame, file: Buffer, relocation: Relocation): Buffer {
  const guess = openGuesses(old, openMoves(relocation.moves));
  const flags = Buffer.alloc(blocks.reduce((sum, { count }) => sum + count, 0));
  const roomFor = createRoom();
  const [literals, lengths, offsets]: [number[], number[], number[]] = [[], [], []];
  let at = 0;
  for (const block of blocks) {
    const sequences = readSequences(file, block, roomFor(block.count));
    let place = block.place;
    for (let each = 0; each < block.count; each++, at++) {
      const [count, length, offset] = [sequences.literals[each]!, sequences.matches[each]!, sequences.offsets[each]!];
      const guessed = guess(place);
      if (count !== guessed.literals) putSigned(literals, count - guessed.literals);
      if (length !== guessed.length) putSigned(lengths, length - guessed.length);
      const isOther = offset !== guessed.offset;
      if (isOther && offset > REPEATED_MAX) offsets.push(offset);
      flags[at] =
        (count === guessed.literals ? 0 : LITERALS) +
        (length === guessed.length ? 0 : LENGTH) +
        (!isOther ? 0 : offset > REPEATED_MAX ? OFFSET : REPEATED * offset);
      place += count + length;
    }
  }
  const programs = Buffer.concat([renderProgram(relocation.from), renderProgram(relocation.to)]);
  const parts = [renderMoves(relocation.moves), programs, skeleton, flags, Buffer.from(literals), Buffer.from(lengths), planes(offsets)];
  const sizes: number[] = [];
  for (const part of parts) putVarint(sizes, part.length);
  return Buffer.concat([Buffer.from(sizes), ...parts]);
}

function planes(numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * OFFSET_BYTES);
  for (let plane = 0; plane < OFFSET_BYTES; plane++)
    for (const [at, number] of numbers.entries()) bytes[plane * numbers.length + at] = number >>> (8 * plane);
  return bytes;
}

export interface Recipe {
  /** Before anything is made of the old content. */
  readonly relocation: Relocation;
  readonly skeleton: Buffer;
  /** The next sequences, of a block whose content starts at `start`, until the next ones are taken. @throws DeltaError when there are not so many */
  readonly take: (count: number, start: number) => Sequences;
}

/**
 * Inverse of {@link makeRecipe}.
 * @param sizes bytes of the old content and of the new one
 * @throws DeltaError
 */
export function readRecipe(bytes: Buffer, old: FindMatch, sizes: { readonly old: number; readonly next: number }): Recipe {
  const numbers = readVarints(bytes);
  const lengths = Array.from({ length: 7 }, () => numbers.next());
  const [moves, programs, skeleton, flags, literals, matches, offsets] = lengths.map((size) => numbers.take(size)) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ];
  if (numbers.left > 0 || offsets.length % OFFSET_BYTES !== 0) throw new DeltaError("a recipe has parts of other sizes");
  const sides = readVarints(programs);
  const relocation = { moves: parseMoves(moves), from: parseProgram(sides, sizes.old), to: parseProgram(sides, sizes.next) };
  const guess = openGuesses(old, openMoves(relocation.moves));
  const [otherLiterals, otherLengths] = [readVarints(literals), readVarints(matches)];
  const plane = offsets.length / OFFSET_BYTES;
  let [at, offsetAt] = [0, 0];
  const nextOffset = (): number => {
    if (offsetAt === plane) throw new DeltaError("a recipe has too few offsets");
    const [a, b, c, d] = [0, 1, 2, 3].map((each) => offsets[each * plane + offsetAt]!) as [number, number, number, number];
    offsetAt++;
    return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
  };
  const roomFor = createRoom();
  const take = (count: number, start: number): Sequences => {
    if (at + count > flags.length) throw new DeltaError("a recipe has too few sequences");
    const taken = roomFor(count);
    let place = start;
    for (let each = 0; each < count; each++) {
      const flag = flags[at++]!;
      const choice = guess(place);
      if ((flag & LITERALS) !== 0) choice.literals += otherLiterals.signed();
      if ((flag & LENGTH) !== 0) choice.length += otherLengths.signed();
      if ((flag & OFFSET) !== 0) choice.offset = nextOffset();
      else if (flag >= REPEATED) choice.offset = flag >> 2;
      [taken.literals[each], taken.matches[each], taken.offsets[each]] = [choice.literals, choice.length, choice.offset];
      place += choice.literals + choice.length;
    }
    return taken;
  };
  return { relocation, skeleton, take };
}
