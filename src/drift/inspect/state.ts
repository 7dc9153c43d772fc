/** Data that nothing declares: `ashlar state unknown` finds it, here it is told with everything else. */
import { formatBytes } from "#report/format.ts";
import type { Facts } from "../facts.ts";
import type { Finding } from "../finding.ts";

export function inspectState({ unknown }: Facts): Finding[] {
  return unknown.map(({ path, bytes }): Finding => ({ kind: "var", name: path, change: "unknown", what: [formatBytes(bytes)] }));
}
