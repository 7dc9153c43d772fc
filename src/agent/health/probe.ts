/**
 * The probes that decide whether a generation works: run before boot-complete.target by ashlar-health.service, and after a
 * change that was applied to the running system. All are local: none needs a name server or the internet.
 */
import type { System } from "#config/system.ts";
import { tryCommand } from "./command.ts";
import type { Failure, ProbeKind, ProbeResult } from "./result.ts";
import { probeUnits } from "./units.ts";

export type { ProbeResult } from "./result.ts";

export interface ProbeOptions {
  /** Milliseconds within which all units must be active; 300,000 when absent: a first boot on a slow machine takes minutes. */
  readonly unitDeadline?: number;
  /** Milliseconds between two looks at the units. */
  readonly poll?: number;
}

/**
 * Runs all probes, each to its end, units first.
 * @returns one result for each, in the order of the config
 */
export async function probe(declared: System["health"], options: ProbeOptions = {}): Promise<ProbeResult[]> {
  const results = await probeUnits(declared.units, { deadline: options.unitDeadline ?? 300_000, poll: options.poll ?? 1000 });
  for (const { name, command, deadline } of declared.commands)
    results.push(await timed("command", name, () => tryCommand(command, deadline * 1000)));
  return results;
}

async function timed(kind: ProbeKind, name: string, attempt: () => Promise<Failure | undefined>): Promise<ProbeResult> {
  const start = performance.now();
  const failure = await attempt();
  return { kind, name, passed: failure === undefined, duration: Math.round(performance.now() - start), ...failure };
}
