/** ssh host keys: images carry none, a machine makes its own once. */
import type { System } from "#config/system.ts";
import type { RuntimeUnit } from "./unit.ts";

/** One modern key; others only when the config declares them as state (RSA takes seconds on a slow machine). */
const DEFAULT_TYPE = "ed25519";

export function sshKeyUnits(system: System): RuntimeUnit[] {
  if (!system.ssh.enable) return [];
  const declared = system.state.etc.flatMap((path) => /^ssh\/ssh_host_(\w+)_key$/.exec(path)?.[1] ?? []);
  const types = [...new Set([DEFAULT_TYPE, ...declared])].sort();
  return [
    {
      name: "ashlar-ssh-keys.service",
      text: `[Unit]
Description=Ashlar: ssh host keys of this machine
Before=ssh.service ssh.socket sshd.service
RequiresMountsFor=/state

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /usr/lib/ashlar/ssh-keys.sh ${types.join(" ")}
`,
      scripts: ["ssh-keys.sh"],
      links: ["multi-user.target.wants", "ssh.service.requires"],
    },
  ];
}
