/**
 * Which version of its data each service wrote last on this machine: /state/ashlar/schemas.json. `accepted` is a version
 * that somebody said may start on newer data (`ashlar rollback --keep-state`); `restore` one whose copy is to be put back
 * before the next start (`--restore-state`).
 */
import type { Machine } from "#deployment/machine.ts";
import { canonicalJson } from "#formats/canonical-json.ts";
import { integer, literal, map, optional, record } from "#formats/shape.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import { statePaths } from "./paths.ts";
import { readStateJson } from "./read.ts";

export interface SchemaRecord {
  readonly version: number;
  /** Generation that wrote it first. */
  readonly generation: number;
  readonly accepted?: number;
  readonly restore?: number;
}

export type Schemas = Readonly<Record<string, SchemaRecord>>;

const shape = record({
  version: literal(1),
  services: map(record({ version: integer(0), generation: integer(0), accepted: optional(integer(0)), restore: optional(integer(0)) })),
});

/** By unit name. @throws E_STATE_UNREADABLE */
export function readSchemas(machine: Pick<Machine, "sysroot">): Schemas {
  return readStateJson(statePaths(machine).schemas, shape, { version: 1, services: {} }).services;
}

/** Replaces what is known of one service, durably. */
export function writeSchema(machine: Pick<Machine, "sysroot">, unit: string, schema: SchemaRecord): void {
  const services = { ...readSchemas(machine), [unit]: schema };
  writeFileAtomic(statePaths(machine).schemas, `${canonicalJson({ version: 1, services })}\n`);
}
