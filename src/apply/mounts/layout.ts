/**
 * Where generations lie that are applied to the running system. All of it is in memory and gone after a restart.
 *
 *   /run/ashlar/live/3/root          the whole tree of generation 3: image and objects, verified
 *   /run/ashlar/live/3/etc           its /etc: the overlay that is copied over /etc
 *   /run/ashlar/live/3/upper, work   the upper layer of that, a copy of the one before
 *   /run/ashlar/apply.json           what is being applied, until it is done
 *
 * "3" is a slot: the generation's number, with "-2" when it is applied again while the first one is still in use.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";

export interface LivePaths {
  readonly folder: string;
  readonly root: string;
  readonly etc: string;
  readonly upper: string;
  readonly work: string;
}

export const LIVE = "/run/ashlar/live";

/** A slot that is not in use. */
export function freeSlot(generation: number): string {
  for (let count = 1; ; count++) {
    const slot = count === 1 ? String(generation) : `${generation}-${count}`;
    if (!existsSync(join(LIVE, slot))) return slot;
  }
}

export function livePaths(slot: string): LivePaths {
  const folder = join(LIVE, slot);
  return {
    folder,
    root: join(folder, "root"),
    etc: join(folder, "etc"),
    upper: join(folder, "upper"),
    work: join(folder, "work"),
  };
}
