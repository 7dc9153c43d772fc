/** Looking for releases without a person, and giving objects to machines nearby. Neither is there unless the config wants it. */
import type { System } from "#config/system.ts";
import type { Automatic, Neighbours } from "#config/updates.ts";
import { parseTimeWindow, windowCalendar } from "#formats/time-window.ts";
import type { RuntimeUnit } from "./unit.ts";

export function updateUnits({ updates: { automatic, neighbours } }: Pick<System, "updates">): RuntimeUnit[] {
  return [...(automatic === undefined ? [] : timerUnits(automatic)), ...(neighbours.serve ? neighbourUnits(neighbours) : [])];
}

/** FixedRandomDelay= takes the place within the jitter from the machine id: each machine has its own, always the same. */
function timerUnits({ mode, hours, jitter, window }: Automatic): RuntimeUnit[] {
  const windows = mode === "apply" ? window.flatMap((text) => parseTimeWindow(text) ?? []) : [];
  // Whoever waits for a window must still find it open.
  const spread = Math.min(jitter, ...windows.map(({ length }) => Math.floor(length / 2)));
  return [
    {
      name: "ashlar-update.timer",
      text: `[Unit]
Description=Ashlar: look for a release now and then

[Timer]
OnBootSec=10min
OnUnitInactiveSec=${hours}h
${windows.map((each) => `OnCalendar=${windowCalendar(each)}\n`).join("")}RandomizedDelaySec=${spread}min
FixedRandomDelay=yes
`,
      links: ["timers.target.wants"],
    },
    {
      name: "ashlar-update.service",
      // 3: the release failed here before. 75: a person is at it.
      text: `[Unit]
Description=Ashlar: what updates.automatic says
Wants=network-online.target
After=network-online.target boot-complete.target

[Service]
Type=oneshot
ExecStart=/usr/bin/ashlar upgrade --unattended --progress plain
SuccessExitStatus=3 75
Nice=10
IOSchedulingClass=idle
TimeoutStartSec=12h
`,
    },
  ];
}

/**
 * The store belongs to root alone, because some files of an image do: what is bound here shows its objects and the names of its
 * images to one process without rights. On demand, and gone again when nobody asks.
 */
function neighbourUnits({ port, allow }: Neighbours): RuntimeUnit[] {
  return [
    {
      name: "ashlar-neighbours.socket",
      text: `[Unit]
Description=Ashlar: objects for machines nearby

[Socket]
ListenStream=${port}
IPAddressDeny=any
IPAddressAllow=localhost ${allow.join(" ")}
`,
      links: ["sockets.target.wants"],
    },
    {
      name: "ashlar-neighbours.service",
      text: `[Unit]
Description=Ashlar: objects for machines nearby

[Service]
ExecStart=/usr/bin/ashlar neighbours --store /run/ashlar-neighbours
DynamicUser=yes
BindReadOnlyPaths=/sysroot/ashlar/store/objects:/run/ashlar-neighbours/objects /sysroot/ashlar/store/images:/run/ashlar-neighbours/images
CapabilityBoundingSet=
IPAddressDeny=any
IPAddressAllow=localhost ${allow.join(" ")}
LockPersonality=yes
MemoryMax=256M
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RestrictAddressFamilies=AF_INET AF_INET6
RestrictNamespaces=yes
RestrictSUIDSGID=yes
SystemCallFilter=@system-service
TasksMax=64
Nice=15
IOSchedulingClass=idle
`,
    },
  ];
}
