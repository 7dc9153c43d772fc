/**
 * The trial of a new generation. systemd-bless-boot.service (pulled in by its generator when the boot loader counts) waits for
 * boot-complete.target, which waits for the health probes. What ends otherwise goes back:
 *
 *   a probe fails                        ashlar-health.service fails, and with it boot-complete.target
 *   the start hangs                      the job of boot-complete.target runs out of time
 *   local-fs.target or the like fails    emergency.service
 *   the kernel panics, process 1 dies    panic=, CrashAction=
 *   everything hangs                     the hardware's watchdog
 *
 * The first three come to ashlar-trial-failed.service (or its script), which has the reason written down and restarts.
 */
import type { System } from "#config/system.ts";
import { recoveryKinds } from "../recovery.ts";
import type { RuntimeUnit } from "./unit.ts";

/** A generation that has become good is what the menu's recovery starts from now on. */
const OFFER = "ExecStartPost=-/usr/bin/ashlar recovery\n";

export function healthUnits(): RuntimeUnit[] {
  return [
    {
      name: "ashlar-health.service",
      text: `[Unit]
Description=Ashlar: health probes
After=systemd-user-sessions.service
Before=boot-complete.target
OnFailure=ashlar-trial-failed.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/ashlar health --judge
TimeoutStartSec=15min
`,
      // Wanted by itself, too: probes of a generation that is no longer on trial are still worth a red line in the status.
      links: ["boot-complete.target.requires", "multi-user.target.wants"],
    },
    {
      name: "ashlar-trial-failed.service",
      // It must start when nothing else does, so it waits for nothing.
      text: `[Unit]
Description=Ashlar: end of a failed trial
DefaultDependencies=no

[Service]
Type=oneshot
ExecStart=/bin/sh /usr/lib/ashlar/trial-failed.sh
StandardOutput=journal+console
TimeoutStartSec=5min
FailureAction=reboot-force
`,
      scripts: ["trial-failed.sh", "bless.sh"],
    },
  ];
}

/** Settings of systemd's own units. */
export function healthDropIns(boot: System["boot"]): { readonly unit: string; readonly text: string }[] {
  return [
    {
      // Only a counted start has this job (systemd-bless-boot.service), so only a trial can run out of time.
      unit: "boot-complete.target",
      text: `[Unit]\nJobTimeoutSec=${boot.deadline}\nOnFailure=ashlar-trial-failed.service\n`,
    },
    {
      // systemd's own way is a rename, which FAT does in two steps: with one generation a power cut in between leaves none.
      unit: "systemd-bless-boot.service",
      text: `[Service]\nExecStart=\nExecStart=/bin/sh /usr/lib/ashlar/bless.sh\n${recoveryKinds(boot).length === 0 ? "" : OFFER}`,
    },
    ...["emergency.service", "rescue.service"].map((unit) => ({
      unit,
      text: `[Service]\nExecStartPre=-/bin/sh /usr/lib/ashlar/trial-failed.sh "it came to ${unit.split(".")[0]} mode"\n`,
    })),
  ];
}
