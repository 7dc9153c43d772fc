/** systemd-networkd and sshd, from the config. */
import type { System } from "#config/system.ts";
import { putFile, putSymlink } from "../draft.ts";
import type { Draft } from "../draft.ts";

const TEXT = { mode: 0o644, uid: 0, gid: 0 } as const;

/** Writes systemd.network(5) files in name order, and points resolv.conf at systemd-resolved when it is installed. */
export function renderNetwork(draft: Draft, system: System): void {
  for (const [name, net] of Object.entries(system.network.interfaces)) {
    const lines = [
      "[Match]",
      `Name=${net.match}`,
      "",
      "[Network]",
      `DHCP=${net.dhcp}`,
      ...net.addresses.map((address) => `Address=${address}`),
      ...net.gateway.map((gateway) => `Gateway=${gateway}`),
      ...net.dns.map((server) => `DNS=${server}`),
    ];
    putFile(draft, `/usr/lib/systemd/network/50-ashlar-${name}.network`, `${lines.join("\n")}\n`, TEXT);
  }
  if (draft.nodes.has("/usr/lib/systemd/systemd-resolved"))
    putSymlink(draft, "/etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf");
  else
    putFile(
      draft,
      "/etc/resolv.conf",
      Object.values(system.network.interfaces)
        .flatMap((net) => net.dns.map((server) => `nameserver ${server}\n`))
        .join(""),
      TEXT,
    );
}

/** The units that the config's network and ssh need. */
export function networkServices(draft: Draft, system: System): string[] {
  const wanted = Object.keys(system.network.interfaces).length > 0 ? ["systemd-networkd.service", "systemd-resolved.service"] : [];
  if (system.ssh.enable) wanted.push("ssh.service");
  return wanted.filter((unit) => draft.nodes.has(`/usr/lib/systemd/system/${unit}`));
}

/** A drop-in that Debian's sshd_config includes first, so that its values win (sshd_config(5): the first one counts). */
export function renderSsh(draft: Draft, system: System): void {
  if (!system.ssh.enable) return;
  const { port, passwordAuthentication, permitRootLogin } = system.ssh;
  const text = [
    `Port ${port}`,
    `PasswordAuthentication ${passwordAuthentication ? "yes" : "no"}`,
    "KbdInteractiveAuthentication no",
    `PermitRootLogin ${permitRootLogin}`,
    "AuthorizedKeysFile /etc/ssh/authorized_keys.d/%u .ssh/authorized_keys",
  ];
  putFile(draft, "/etc/ssh/sshd_config.d/10-ashlar.conf", `${text.join("\n")}\n`, TEXT);
}
