/** Keeps the declared files of /etc: when one changes it is copied to /state/etc, from where the initrd takes it next time. */
import type { System } from "#config/system.ts";
import type { RuntimeUnit } from "./unit.ts";

/** None when /etc persists as a whole, or nothing is declared. */
export function stateUnits(system: System): RuntimeUnit[] {
  if (system.state.etcMode === "persistent" || system.state.etc.length === 0) return [];
  const watched = [...system.state.etc].sort().map((path) => `PathChanged=/etc/${escapeUnit(path)}\n`);
  return [
    {
      name: "ashlar-state-save.service",
      text: `[Unit]
Description=Ashlar: keep changed state files of /etc

[Service]
Type=oneshot
ExecStart=/bin/sh /usr/lib/ashlar/state-save.sh /usr/lib/ashlar/state-etc
`,
      scripts: ["state-save.sh"],
    },
    {
      name: "ashlar-state-save.path",
      text: `[Unit]
Description=Ashlar: watch the state files of /etc
ConditionKernelCommandLine=!ashlar.failsafe

[Path]
${watched.join("")}TriggerLimitIntervalSec=10s
TriggerLimitBurst=200
`,
      links: ["paths.target.wants"],
    },
    {
      // A watch sleeps while its service runs, so the very last change could slip through: one more look at the end.
      name: "ashlar-state-keep.service",
      text: `[Unit]
Description=Ashlar: keep state files of /etc that changed last

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStop=/bin/sh /usr/lib/ashlar/state-save.sh /usr/lib/ashlar/state-etc
`,
      links: ["multi-user.target.wants"],
    },
  ];
}

/** systemd.unit(5): "%" begins a specifier. */
function escapeUnit(path: string): string {
  return path.replaceAll("%", "%%");
}
