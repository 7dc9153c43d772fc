/** When a machine stops, what was changed by hand in an ephemeral /etc is told to the journal, and kept for a while. */
import type { System } from "#config/system.ts";
import type { RuntimeUnit } from "./unit.ts";

/** None when /etc persists. A stop that takes too long for it loses the changes, not the machine. */
export function driftUnits({ state }: Pick<System, "state">): RuntimeUnit[] {
  if (state.etcMode === "persistent") return [];
  return [
    {
      name: "ashlar-drift-keep.service",
      text: `[Unit]
Description=Ashlar: changes of /etc that this stop would lose

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStop=/usr/bin/ashlar drift keep
TimeoutStopSec=2min
`,
      links: ["multi-user.target.wants"],
    },
  ];
}
