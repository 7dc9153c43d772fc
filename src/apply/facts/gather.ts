/** Gathers what a plan has to know of the running system. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { hasErrno } from "#errors";
import type { Facts } from "../plan/facts.ts";
import { readProcesses } from "./processes.ts";
import { activeUnits } from "./units.ts";

/** @param etcUpper the upper layer of /etc: what was changed by hand lies there */
export async function gatherFacts(etcUpper: string | undefined): Promise<Facts> {
  const { processes, complete } = readProcesses("/proc");
  const mapped = new Map<string, Set<string>>();
  for (const { unit, mapped: files } of processes) {
    const paths = mapped.get(unit) ?? new Set();
    for (const { path } of files) paths.add(path);
    mapped.set(unit, paths);
  }
  return {
    units: (await activeUnits()).map((unit) => ({ ...unit, mapped: mapped.get(unit.name) ?? new Set() })),
    init: new Set(processes.find(({ pid }) => pid === 1)?.mapped.map(({ path }) => path)),
    edited: etcUpper === undefined ? new Set() : editedIn(etcUpper),
    complete,
  };
}

/** Files below an upper layer, as paths of /etc. */
function editedIn(upper: string): Set<string> {
  try {
    const entries = readdirSync(upper, { recursive: true, withFileTypes: true });
    return new Set(
      entries.filter((entry) => !entry.isDirectory()).map((entry) => join("/etc", entry.parentPath.slice(upper.length), entry.name)),
    );
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "EACCES")) return new Set();
    throw error;
  }
}
