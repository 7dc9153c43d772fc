/**
 * Where this machine's releases come from: what a person named once with `ashlar switch`, kept on the machine, else what its
 * config says.
 */
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { System } from "#config/system.ts";
import type { Machine } from "#deployment/machine.ts";
import { ShapeError, literal, record, string } from "#formats/shape.ts";
import { syncFolder, writeFileAtomic } from "#sys/atomic.ts";
import { textIfThere } from "#sys/if-there.ts";

const followedShape = record({ version: literal(1), source: string(4096) });

/** The address that `ashlar switch` named; undefined when the config's count. One that cannot be read is none. */
export function followedSource(machine: Machine): string | undefined {
  const text = textIfThere(pathIn(machine));
  if (text === undefined) return undefined;
  try {
    return followedShape(JSON.parse(text), "").source;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ShapeError) return undefined;
    throw error;
  }
}

/** From now on upgrades come from there. */
export function followSource(machine: Machine, source: string): void {
  writeFileAtomic(pathIn(machine), `${JSON.stringify({ version: 1, source })}\n`);
}

/** From now on the config's sources count again. @returns false when they did already */
export function unfollowSource(machine: Machine): boolean {
  if (textIfThere(pathIn(machine)) === undefined) return false;
  rmSync(pathIn(machine));
  syncFolder(dirname(pathIn(machine)));
  return true;
}

/** Addresses to ask, in order. */
export function sourcesOf(machine: Machine, { updates }: System): readonly string[] {
  const followed = followedSource(machine);
  // One text in systems of an older Ashlar, which a composed generation can have.
  return followed === undefined ? [updates.source ?? []].flat() : [followed];
}

function pathIn({ sysroot }: Machine): string {
  return join(sysroot, "ashlar/source.json");
}
