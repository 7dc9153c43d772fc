/** A program as it would be if its parts lay elsewhere. */
import { openMoves } from "../moves.ts";
import type { Move } from "../moves.ts";
import { openAddresses } from "./program.ts";
import type { Program } from "./program.ts";
import { ABSOLUTE, visitReferences } from "./references.ts";

export interface Relocation {
  readonly from: Program;
  readonly to: Program;
  /** Where places of the one are in the other. */
  readonly moves: readonly Move[];
}

/** Changes all words that speak of places, so that they speak of where these went, from where they went themselves. */
export function relocate(content: Buffer, { from, to, moves }: Relocation): void {
  const old = openAddresses(from);
  // Words come in order and targets in none: each has a memory of its own of where the last one was.
  const [words, targets] = [openTarget(to, moves), openTarget(to, moves)];
  visitReferences(content, from, (word, target, origin) => {
    const aim = targets(target);
    const here = origin === ABSOLUTE ? 0 : words(word) + origin - old.addressOf(word);
    if (aim >= 0 && here >= 0) content.writeInt32LE((aim - here) | 0, word);
  });
}

/** Makes the addresses that words speak of of all words that do: the same wherever the word lies. */
export function aim(content: Buffer, { from, to, moves }: Relocation): void {
  const targets = openTarget(to, moves);
  visitReferences(content, from, (word, target) => {
    const address = targets(target);
    if (address >= 0) content.writeUInt32LE(address, word);
  });
}

export function blank(content: Buffer, program: Program): void {
  visitReferences(content, program, (word) => void content.writeUInt32LE(0, word));
}

/** The address that a place has in the new program; -1 when it has none. */
function openTarget(to: Program, moves: readonly Move[]): (place: number) => number {
  const { addressOf } = openAddresses(to);
  const { toNext } = openMoves(moves);
  return (place) => addressOf(toNext(place));
}
