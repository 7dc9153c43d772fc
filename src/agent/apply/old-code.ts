/** Processes that go on with programs and libraries of the generation before. */
import { readProcesses } from "#apply/facts/processes.ts";
import { readMounts } from "#apply/mounts/seen.ts";
import type { Plan } from "#apply/plan/plan.ts";
import { topmostMount } from "#formats/mountinfo.ts";

export interface OldCode {
  readonly unit: string;
  readonly pids: readonly number[];
  /** One of the files. */
  readonly path: string;
}

/** Call it after the switch. Sorted by unit. */
export function oldCode(plan: Plan): OldCode[] {
  const changed = new Set(plan.lines.flatMap(({ paths }) => paths));
  const device = topmostMount(readMounts(), "/usr")?.device;
  const found = new Map<string, { pids: number[]; path: string }>();
  for (const { pid, unit, mapped } of readProcesses("/proc").processes) {
    // A mount that was taken away shows paths from its own root.
    const old = mapped.find(({ device: at, path }) => at !== device && (changed.has(path) || changed.has(`/usr${path}`)));
    if (old === undefined) continue;
    const known = found.get(unit);
    if (known === undefined) found.set(unit, { pids: [pid], path: old.path });
    else known.pids.push(pid);
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([unit, rest]) => ({ unit, ...rest }));
}
