/**
 * Copies of services' data, one folder each:
 *
 *   /state/snapshots/postgresql.service/000001/meta.json
 *                                             /data/0, data/1 …     the paths, in the order of meta.json
 *
 * `older` is what was there before a generation raised the version; it serves the generations before that one. `newer` is
 * what a restored copy replaced; it serves that generation and those after it.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "#deployment/machine.ts";
import { canonicalJson } from "#formats/canonical-json.ts";
import { integer, list, literal, parsed, record, string } from "#formats/shape.ts";
import { syncFolder, writeFileAtomic } from "#sys/atomic.ts";
import { syncFileSystem } from "#sys/syncfs.ts";
import { copyTree, requireRoom } from "./copy.ts";
import { onDisk, statePaths } from "./paths.ts";
import { readStateJson } from "./read.ts";
import { namesIfThere } from "#sys/if-there.ts";

export interface SnapshotMeta {
  readonly version: 1;
  readonly kind: "older" | "newer";
  /** Version of the data. */
  readonly schema: number;
  /** Generation that raised the version. */
  readonly generation: number;
  /** Seconds since 1970. */
  readonly created: number;
  /** Bytes on the disk. */
  readonly bytes: number;
  readonly paths: readonly string[];
}

export interface Snapshot extends SnapshotMeta {
  readonly unit: string;
  readonly number: number;
  readonly folder: string;
}

const PATHS_MAX = 1000;
const shape = record({
  version: literal(1),
  kind: parsed((text) => (text === "older" || text === "newer" ? text : undefined), "older or newer"),
  schema: integer(0),
  generation: integer(0),
  created: integer(0),
  bytes: integer(0),
  paths: list(string(4096), PATHS_MAX),
});

/** All snapshots, by unit and rising number. Unfinished ones are not among them. @throws E_STATE_UNREADABLE */
export function listSnapshots(machine: Pick<Machine, "sysroot">): Snapshot[] {
  const home = statePaths(machine).snapshots;
  return namesIfThere(home).flatMap((unit) =>
    namesIfThere(join(home, unit))
      .filter((name) => /^\d{6}$/.test(name))
      .flatMap((name) => {
        const folder = join(home, unit, name);
        const meta = readStateJson<SnapshotMeta | undefined>(join(folder, "meta.json"), shape, undefined);
        return meta === undefined ? [] : [{ ...meta, unit, number: Number(name), folder }];
      }),
  );
}

/**
 * Copies a service's data. The copy is complete and durable when it has its name.
 * @throws E_STATE_SPACE before anything is written; E_EXEC_FAILED
 */
export async function takeSnapshot(
  machine: Pick<Machine, "sysroot">,
  unit: string,
  request: Omit<SnapshotMeta, "version" | "bytes" | "kind">,
): Promise<Snapshot> {
  const home = join(statePaths(machine).snapshots, unit);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const present = request.paths.map((path) => onDisk(machine, path));
  const bytes = requireRoom(present, home, `a copy of the data of ${unit}`);
  const aside = join(home, ".new");
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(join(aside, "data"), { recursive: true });
  for (const [index, path] of present.entries()) if (existsSync(path)) await copyTree(path, join(aside, "data", String(index)));
  return publish(home, aside, { version: 1, kind: "older", ...request, bytes }, unit);
}

/** Gives an unfinished folder its number, after all in it is durable. */
export function publish(home: string, aside: string, meta: SnapshotMeta, unit: string): Snapshot {
  writeFileAtomic(join(aside, "meta.json"), `${canonicalJson(meta)}\n`);
  syncFileSystem(home);
  const number = Math.max(0, ...namesIfThere(home).map((name) => (/^\d{6}$/.test(name) ? Number(name) : 0))) + 1;
  const folder = join(home, String(number).padStart(6, "0"));
  renameSync(aside, folder);
  syncFolder(home);
  return { ...meta, unit, number, folder };
}

/**
 * Removes the snapshots that no generation can need any more.
 * @param generations numbers of those that stay
 * @returns bytes that were freed
 */
export function pruneSnapshots(machine: Pick<Machine, "sysroot">, generations: readonly number[]): number {
  const isNeeded = ({ kind, generation }: Snapshot): boolean =>
    generations.some((number) => (kind === "older" ? number < generation : number >= generation));
  const doomed = listSnapshots(machine).filter((snapshot) => !isNeeded(snapshot));
  for (const { folder } of doomed) {
    // Without its meta.json it is no snapshot any more, however far the removal comes.
    rmSync(join(folder, "meta.json"));
    rmSync(folder, { recursive: true });
  }
  return doomed.reduce((sum, { bytes }) => sum + bytes, 0);
}
