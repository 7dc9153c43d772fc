/**
 * Runs before a service starts. Compares the version of its data with the one that the running System writes:
 *
 *   the same, or never seen with no data     start
 *   older                                    copy it, then start
 *   newer, and a copy was asked for          put the copy back, then start
 *   newer, written on a trial that failed    the same
 *   newer, and somebody accepted that        start
 *   newer                                    E_STATE_TOO_NEW
 */
import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { StateSchema } from "#config/system.ts";
import type { Machine } from "#deployment/machine.ts";
import { AshlarError } from "#errors";
import { copyTree, requireRoom } from "./copy.ts";
import type { StateErrorCode } from "./errors.ts";
import { onDisk, statePaths } from "./paths.ts";
import { readSchemas, writeSchema } from "./schemas.ts";
import type { SchemaRecord } from "./schemas.ts";
import { listSnapshots, publish, takeSnapshot } from "./snapshots.ts";
import type { Snapshot } from "./snapshots.ts";

export interface SchemaContext {
  readonly machine: Pick<Machine, "sysroot">;
  /** The generation that runs. */
  readonly generation: number;
  /** Whether a generation was ever known to be good. */
  readonly wasGood: (generation: number) => boolean;
  /** Seconds since 1970. */
  readonly now: number;
}

export type SchemaOutcome =
  | { readonly outcome: "same" | "first" | "accepted" }
  /** The version rises and the config wants no copy. */
  | { readonly outcome: "raised"; readonly from: number }
  | { readonly outcome: "snapshotted"; readonly from: number; readonly snapshot: number; readonly bytes: number }
  | { readonly outcome: "restored"; readonly from: number; readonly snapshot: number; readonly because: "asked" | "trial failed" };

/**
 * @param unit the service
 * @throws E_STATE_TOO_NEW, E_STATE_SPACE: the service must not start; E_STATE_UNREADABLE
 */
export async function checkSchema(unit: string, schema: StateSchema, context: SchemaContext): Promise<SchemaOutcome> {
  const { machine, generation, now } = context;
  const known = readSchemas(machine)[unit];
  const started = (): void => writeSchema(machine, unit, { version: schema.version, generation });
  if (known?.version === schema.version) return { outcome: "same" };
  if (known === undefined && schema.paths.every((path) => isEmpty(onDisk(machine, path)))) {
    started();
    return { outcome: "first" };
  }
  const from = known?.version ?? 0;
  if (from < schema.version || known === undefined) {
    if (!schema.snapshot) {
      started();
      return { outcome: "raised", from };
    }
    const { number, bytes } = await takeSnapshot(machine, unit, { schema: from, generation, created: now, paths: schema.paths });
    started();
    return { outcome: "snapshotted", from, snapshot: number, bytes };
  }
  if (known.accepted === schema.version) {
    started();
    return { outcome: "accepted" };
  }
  const snapshot = usableSnapshot(machine, unit, schema.version);
  const because = known.restore === schema.version ? "asked" : context.wasGood(known.generation) ? undefined : "trial failed";
  if (because === undefined || snapshot === undefined) throw tooNew(unit, known, schema, snapshot);
  await restore(machine, unit, snapshot, { known, now });
  started();
  return { outcome: "restored", from, snapshot: snapshot.number, because };
}

/** The newest copy of data that a version can read. */
export function usableSnapshot(machine: Pick<Machine, "sysroot">, unit: string, version: number): Snapshot | undefined {
  return listSnapshots(machine).findLast((item) => item.unit === unit && item.kind === "older" && item.schema <= version);
}

/**
 * Renames today's data into a folder of its own, and copies the snapshot to where it was. Cut at any moment it can be run
 * again: what was renamed is not renamed again, and a copy has its name only when it is whole.
 */
async function restore(
  machine: Pick<Machine, "sysroot">,
  unit: string,
  snapshot: Snapshot,
  { known, now }: { readonly known: SchemaRecord; readonly now: number },
): Promise<void> {
  const home = join(statePaths(machine).snapshots, unit);
  const aside = join(home, ".replaced");
  const copies = snapshot.paths.map((path, index) => ({
    from: join(snapshot.folder, "data", String(index)),
    to: onDisk(machine, path),
    replaced: join(aside, "data", String(index)),
  }));
  const missing = copies.filter(({ from, to, replaced }) => existsSync(from) && !(existsSync(replaced) && existsSync(to)));
  requireRoom(
    missing.map(({ from }) => from),
    home,
    `putting back the data of ${unit}`,
  );
  mkdirSync(join(aside, "data"), { recursive: true });
  for (const { to, replaced } of copies) if (!existsSync(replaced) && existsSync(to)) renameSync(to, replaced);
  for (const { from, to } of copies) if (existsSync(from) && !existsSync(to)) await copyTree(from, to);
  const { bytes, paths } = snapshot;
  publish(
    home,
    aside,
    { version: 1, kind: "newer", schema: known.version, generation: known.generation, created: now, bytes, paths },
    unit,
  );
}

function isEmpty(folder: string): boolean {
  return !existsSync(folder) || readdirSync(folder).length === 0;
}

/** Said by a service that does not start, and by a rollback that is refused. */
export function tooNew(
  unit: string,
  known: SchemaRecord,
  schema: StateSchema,
  snapshot: Snapshot | undefined,
): AshlarError<StateErrorCode> {
  const date = snapshot === undefined ? "" : new Date(snapshot.created * 1000).toISOString().slice(0, 16).replace("T", " ");
  return new AshlarError(
    "E_STATE_TOO_NEW",
    `${unit}: its data has version ${known.version} since generation ${known.generation}, and this generation's service reads version ${schema.version}`,
    {
      hint:
        snapshot === undefined
          ? "there is no older copy: go back with `ashlar rollback`, or say `--keep-state` with it when the service can read the data"
          : `\`ashlar rollback N --restore-state\` puts back the copy of ${date} UTC (what was written since is set aside), \`--keep-state\` starts on the data as it is`,
      details: { unit, version: known.version, wanted: schema.version, snapshot: snapshot?.number },
    },
  );
}
