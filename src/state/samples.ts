/** The last look at each declared path: how large it was, and the generation in which it was seen first. */
import type { Machine } from "#deployment/machine.ts";
import { canonicalJson } from "#formats/canonical-json.ts";
import { integer, literal, map, optional, record } from "#formats/shape.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import { statePaths } from "./paths.ts";
import { readStateJson } from "./read.ts";

export interface Sample {
  /** Bytes on the disk. */
  readonly bytes: number;
  /** Seconds since 1970. */
  readonly at: number;
  /** Generation in which the path was declared first, as far as this machine can tell. */
  readonly since?: number;
}

export interface Samples {
  readonly version: 1;
  readonly paths: Readonly<Record<string, Sample>>;
}

const shape = record({
  version: literal(1),
  paths: map(record({ bytes: integer(0), at: integer(0), since: optional(integer(1)) })),
});

/** @throws E_STATE_UNREADABLE */
export function readSamples(machine: Pick<Machine, "sysroot">): Samples {
  return readStateJson(statePaths(machine).samples, shape, { version: 1, paths: {} });
}

export function writeSamples(machine: Pick<Machine, "sysroot">, samples: Samples): void {
  writeFileAtomic(statePaths(machine).samples, `${canonicalJson(samples)}\n`);
}
