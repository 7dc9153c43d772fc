/**
 * What changed in a program besides addresses. A few changed lines move all that lies behind them, and every jump across
 * them is another one; tables of distances are others from end to end. So the old program is first moved to where its parts
 * are in the new one, and compared then.
 */
import { differenceAlong, differenceOf, stepsBetween } from "../diff.ts";
import type { Difference } from "../diff.ts";
import { movesOf } from "../moves.ts";
import { aim, blank, relocate } from "./relocate.ts";
import type { Relocation } from "./relocate.ts";

export interface ProgramDifference {
  /** Between the old file, as `relocation` changes it, and the new one. */
  readonly difference: Difference;
  readonly relocation: Relocation;
}

/** What the files are, from their beginnings on. Those that are no programs have nothing to move. */
export function differenceOfPrograms(old: Buffer, next: Buffer, { from, to }: Omit<Relocation, "moves">): ProgramDifference {
  if (from.regions.length === 0 || to.regions.length === 0) {
    const difference = differenceOf(old, next);
    return { difference, relocation: { from, to, moves: movesOf(difference.steps) } };
  }
  const steps = alignment(old, next, { from, to });
  const relocation = { from, to, moves: movesOf(steps) };
  const moved = Buffer.from(old);
  relocate(moved, relocation);
  return { difference: differenceAlong(steps, moved, next), relocation };
}

/** Which stretches belong together: first without any address, then with those that each side means. */
function alignment(old: Buffer, next: Buffer, { from, to }: Omit<Relocation, "moves">): readonly number[] {
  const [oldCopy, nextCopy] = [Buffer.from(old), Buffer.from(next)];
  blank(oldCopy, from);
  blank(nextCopy, to);
  const moves = movesOf(stepsBetween(oldCopy, nextCopy));
  old.copy(oldCopy);
  next.copy(nextCopy);
  aim(oldCopy, { from, to, moves });
  aim(nextCopy, { from: to, to, moves: [] });
  return stepsBetween(oldCopy, nextCopy);
}
