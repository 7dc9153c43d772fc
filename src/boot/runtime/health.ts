/**
 * The trial of a new generation: systemd-bless-boot (pulled in by its generator when the boot loader counts) waits for
 * boot-complete.target, which waits for the health probes. When they fail, the machine restarts while there is something to try.
 */
import type { RuntimeUnit } from "./unit.ts";

/** Set by systemd-boot when it started a counted entry. https://systemd.io/AUTOMATIC_BOOT_ASSESSMENT/ */
const COUNT_VARIABLE = "/sys/firmware/efi/efivars/LoaderBootCountPath-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";

export function healthUnits(): RuntimeUnit[] {
  return [
    {
      name: "ashlar-health.service",
      text: `[Unit]
Description=Ashlar: health probes
Before=boot-complete.target
OnFailure=ashlar-trial-failed.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/ashlar health
TimeoutStartSec=15min
`,
      // Wanted by itself, too: probes of a generation that is no longer on trial are still worth a red line in the status.
      links: ["boot-complete.target.requires", "multi-user.target.wants"],
    },
    {
      name: "ashlar-trial-failed.service",
      text: `[Unit]
Description=Ashlar: restart after a failed trial
ConditionPathExists=${COUNT_VARIABLE}

[Service]
Type=oneshot
ExecStart=/bin/sh /usr/lib/ashlar/trial-failed.sh
StandardOutput=journal+console
`,
      scripts: ["trial-failed.sh"],
    },
  ];
}
