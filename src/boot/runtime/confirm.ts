/** Puts an interrupted or unconfirmed apply back. */
import type { RuntimeUnit } from "./unit.ts";

export function confirmUnits(): RuntimeUnit[] {
  return [
    {
      name: "ashlar-apply-guard.service",
      text: `[Unit]
Description=Ashlar: put back what an interrupted apply left

[Service]
Type=exec
ExecStart=/bin/sh /usr/lib/ashlar/apply-guard.sh
`,
      scripts: ["apply-guard.sh"],
    },
  ];
}
