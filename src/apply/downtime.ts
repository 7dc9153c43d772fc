/** How long each kind of interruption took last time on this machine: `ashlar/downtime.json` of the physical root. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hasErrno } from "#errors";
import { writeFileAtomic } from "#sys/atomic.ts";

/** "restart nginx.service" or "soft-reboot" to seconds. */
export type Downtimes = ReadonlyMap<string, number>;

/** Units come and go with generations; more than these are of no use. */
const KINDS_MAX = 256;

/** @param sysroot the physical root. Figures that cannot be read are none: nothing is decided by them. */
export function readDowntimes(sysroot: string): Downtimes {
  try {
    const { seconds } = JSON.parse(readFileSync(pathIn(sysroot), "utf8")) as { readonly seconds?: Readonly<Record<string, unknown>> };
    return new Map(Object.entries(seconds ?? {}).filter((entry): entry is [string, number] => typeof entry[1] === "number"));
  } catch (error) {
    if (hasErrno(error, "ENOENT") || error instanceof SyntaxError) return new Map();
    throw error;
  }
}

/** Adds what was measured; the newest figure of a kind replaces the one before. */
export function recordDowntimes(sysroot: string, measured: Downtimes): void {
  if (measured.size === 0) return;
  const all = [...[...readDowntimes(sysroot)].filter(([kind]) => !measured.has(kind)), ...measured].slice(-KINDS_MAX);
  const seconds = Object.fromEntries(all.map(([kind, value]) => [kind, Math.round(value * 1000) / 1000]));
  writeFileAtomic(pathIn(sysroot), `${JSON.stringify({ version: 1, seconds })}\n`);
}

function pathIn(sysroot: string): string {
  return join(sysroot, "ashlar/downtime.json");
}
