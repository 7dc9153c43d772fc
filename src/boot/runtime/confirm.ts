/** Puts an interrupted or unconfirmed apply back, and ends one that needed a new root or a restart. */
import type { RuntimeUnit } from "./unit.ts";

/** There while something waits for its end. */
const PENDING = "/sysroot/ashlar/applied.json";

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
    {
      name: "ashlar-confirm.service",
      // Whoever kills it, and however often, does not keep the generation.
      text: `[Unit]
Description=Ashlar: take back what nobody confirms
ConditionPathExists=${PENDING}
ConditionPathExists=/sysroot/ashlar/confirm-left
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=/bin/sh /usr/lib/ashlar/confirm.sh
Restart=on-failure
RestartSec=5
`,
      scripts: ["confirm.sh"],
      links: ["multi-user.target.wants"],
    },
    {
      name: "ashlar-settle.service",
      text: `[Unit]
Description=Ashlar: judge a generation that was applied by a new start
ConditionPathExists=${PENDING}
After=ashlar-health.service

[Service]
Type=oneshot
ExecStart=/usr/bin/ashlar apply --settle
`,
      links: ["multi-user.target.wants"],
    },
  ];
}
