/** The generations of a machine with all that is known of each: record, boot entry, and whether it runs. */
import type { Deployment } from "./deployment.ts";
import type { Entries, Entry } from "./loader.ts";
import type { Machine } from "./machine.ts";
import type { Records } from "./records.ts";

/** good: blessed. trial: it may be started `tries` more times until it is. failed: it used up its tries. none: no boot entry. */
export type Trial = "good" | "trial" | "failed" | "none" | "unknown";

export interface Generation {
  readonly number: number;
  readonly deployment: Deployment;
  readonly entry: Entry | undefined;
  readonly trial: Trial;
  readonly booted: boolean;
  /** Starts at the next boot. */
  readonly next: boolean;
}

/**
 * Joins records and entries, by rising number.
 * @param entries undefined when the ESP may not be read: trials are unknown then
 */
export function generationsOf(machine: Machine, records: Records, entries: Entries | undefined): Generation[] {
  const booted = bootedNumber(machine, records);
  return records.deployments.map((deployment) => {
    const entry = entries?.all.find(({ generation }) => generation === deployment.number);
    return {
      number: deployment.number,
      deployment,
      entry,
      trial: entries === undefined ? "unknown" : trialOf(entry),
      booted: deployment.number === booted,
      next: entries !== undefined && deployment.number === entries.next,
    };
  });
}

/** The number that the kernel command line names, when its image is the one that runs; else any record of that image. */
function bootedNumber(machine: Machine, records: Records): number | undefined {
  const { booted } = machine;
  if (booted === undefined) return undefined;
  const same = records.deployments.filter(({ image }) => image.digest === booted.digest);
  return (same.find(({ number }) => number === booted.generation) ?? same.at(-1))?.number;
}

function trialOf(entry: Entry | undefined): Trial {
  if (entry === undefined) return "none";
  if (entry.tries === undefined) return "good";
  return entry.tries.left === 0 ? "failed" : "trial";
}
