/** `ashlar state`: every declared path with its size, how it grew, and the generation in which it came. */
import type { System } from "#config/system.ts";
import type { Machine } from "#deployment/machine.ts";
import { fromText } from "#formats/bytes.ts";
import { join } from "node:path";
import { declaredPathNames, declaredPaths, declaringOf } from "./declared.ts";
import type { DeclaredPath } from "./declared.ts";
import { keptPaths } from "./kept.ts";
import { measure } from "./measure.ts";
import { mountedRoot } from "./root-reader.ts";
import type { RootReader } from "./root-reader.ts";
import { readSamples } from "./samples.ts";
import type { Sample, Samples } from "./samples.ts";
import { readSystem } from "./system-of.ts";

export interface StateItem extends DeclaredPath {
  /** Bytes on the disk; 0 when nothing is there yet. */
  readonly bytes: number;
  /** Bytes more than at the last look; absent at the first one. */
  readonly growth?: number;
  /** Seconds since 1970 of the last look. */
  readonly lastLook?: number;
  /** First generation that declared it, as far as this machine can tell. */
  readonly since?: number;
}

export interface StateReport {
  readonly items: readonly StateItem[];
  /** To be written with `writeSamples`, so that the next look can tell what grew. */
  readonly samples: Samples;
}

/** A generation that stays on this machine, and how to read its image. */
export interface OlderGeneration {
  readonly number: number;
  readonly root: () => RootReader;
}

/**
 * @param older generations before the one that runs, newest first; read only when a path was not seen before
 * @throws E_STATE_UNREADABLE
 */
export function stateReport(
  machine: Machine,
  system: System,
  how: { readonly generation: number | undefined; readonly older: readonly OlderGeneration[]; readonly now: number },
): StateReport {
  const all = declaredPaths(mountedRoot(machine.root), system, keptPaths(machine));
  const outermost = withoutInner(all);
  const before = readSamples(machine).paths;
  const unseen = outermost.filter(({ path }) => before[path]?.since === undefined).map(({ path }) => path);
  const since = unseen.length === 0 ? new Map<string, number>() : firstSeen(unseen, how);
  const items = outermost.map((item): StateItem => {
    const bytes = measure(fromText(join(machine.root, item.path)))?.bytes ?? 0;
    const last = before[item.path];
    const came = last?.since ?? since.get(item.path);
    return {
      ...item,
      bytes,
      ...(last === undefined ? {} : { growth: bytes - last.bytes, lastLook: last.at }),
      ...(came === undefined ? {} : { since: came }),
    };
  });
  const paths = items.map(({ path, bytes, since }): [string, Sample] => [
    path,
    { bytes, at: how.now, ...(since === undefined ? {} : { since }) },
  ]);
  return { items, samples: { version: 1, paths: Object.fromEntries(paths) } };
}

/** A path in another one of the same class and owner adds nothing to the list. */
function withoutInner(all: readonly DeclaredPath[]): DeclaredPath[] {
  const known = new Map(all.map((item) => [item.path, item]));
  return all.filter((item) => {
    const outer = declaringOf(item.path.slice(0, item.path.lastIndexOf("/")), known);
    if (outer === undefined || outer.class !== item.class) return true;
    const isSame = outer.by === item.by || (outer.package !== undefined && outer.package === item.package);
    return !(isSame || item.by.startsWith("tmpfiles.d/"));
  });
}

/** Goes back from generation to generation as long as they declare a path too. */
function firstSeen(
  paths: readonly string[],
  { generation, older }: { readonly generation: number | undefined; readonly older: readonly OlderGeneration[] },
): Map<string, number> {
  if (generation === undefined) return new Map();
  const since = new Map(paths.map((path) => [path, generation]));
  let open = new Set(paths);
  for (const { number, root } of older) {
    if (open.size === 0) break;
    const reader = root();
    const system = readSystem(reader);
    if (system === undefined) break;
    const declared = declaredPathNames(reader, system);
    open = new Set([...open].filter((path) => declared.has(path)));
    for (const path of open) since.set(path, number);
  }
  return since;
}
