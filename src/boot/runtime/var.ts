/** An ephemeral /var: what the initrd carries over to the next start (assets/var.sh), and how many earlier trees stay. */
import type { System } from "#config/system.ts";
import type { RuntimeUnit } from "./unit.ts";

/** Paths below /var that outlive a start, sorted; a path inside another one is not listed. */
export function varKeep({ state }: System): string[] {
  const declared = [
    ...Object.entries(state.var).flatMap(([path, kind]) => (kind === "state" || kind === "log" ? [path] : [])),
    ...Object.values(state.schemas).flatMap(({ paths }) => paths.filter((path) => path.startsWith("/var/"))),
  ];
  return [...new Set(declared)].sort().filter((path) => !declared.some((other) => path.startsWith(`${other}/`)));
}

/** Removing a tree takes long, so it is done when everything else has started. */
export function wipedUnits({ state }: System): RuntimeUnit[] {
  return [
    {
      name: "ashlar-wiped.service",
      text: `[Unit]
Description=Ashlar: forget the oldest trees of an ephemeral /var
ConditionDirectoryNotEmpty=/state/wiped
After=multi-user.target

[Service]
Type=simple
IOSchedulingClass=idle
Nice=19
ExecStart=/bin/sh /usr/lib/ashlar/wiped.sh ${state.wiped}
`,
      links: ["multi-user.target.wants"],
      scripts: ["wiped.sh"],
    },
  ];
}
