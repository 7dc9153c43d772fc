/** The ssh host key: images carry none, a machine makes its own once. */
import type { System } from "#config/system.ts";
import type { RuntimeUnit } from "./unit.ts";

/** One ed25519 key, whose making takes no time. Other kinds are kept when somebody makes them and the config declares them as state. */
export function sshKeyUnits(system: System): RuntimeUnit[] {
  if (!system.ssh.enable) return [];
  return [
    {
      name: "ashlar-ssh-keys.service",
      text: `[Unit]
Description=Ashlar: ssh host key of this machine
Before=ssh.service ssh.socket sshd.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /usr/lib/ashlar/ssh-keys.sh
`,
      scripts: ["ssh-keys.sh"],
      links: ["multi-user.target.wants", "ssh.service.requires"],
    },
  ];
}
