/**
 * What is asked of apt for a system: what its config names and what it implies. The packages marked Essential come
 * on top (see resolve.ts).
 */
import type { System } from "#config/system.ts";
import type { Lock, LockedLayers } from "./lock.ts";

interface Implied {
  readonly name: string;
  readonly why: string;
  /** Always, when absent. */
  readonly when?: (system: System) => boolean;
}

const IMPLIED: readonly Implied[] = [
  { name: "ashlar-initrd", why: "kernels want a maker of initrds, and Ashlar is it" },
  { name: "ca-certificates", why: "upgrades over https" },
  { name: "dbus", why: "systemctl and logind as an ordinary user" },
  { name: "dosfstools", why: "fsck of the EFI system partition" },
  { name: "e2fsprogs", why: "fsck of the root file system" },
  { name: "fsverity", why: "fs-verity of objects, measured in the initrd" },
  { name: "iproute2", why: "looking at the network in an emergency" },
  { name: "kmod", why: "kernel modules, also in the initrd" },
  { name: "libatomic1", why: "Node, which runs Ashlar on the machine" },
  { name: "libpam-systemd", why: "logins are sessions" },
  { name: "libstdc++6", why: "Node, which runs Ashlar on the machine" },
  { name: "login", why: "logins at the console; Debian protects it, but does not call it essential" },
  { name: "mount", why: "mounts, also in the initrd" },
  { name: "netbase", why: "names of protocols and services" },
  { name: "passwd", why: "the account database's tools" },
  { name: "systemd", why: "the service manager" },
  { name: "systemd-boot", why: "systemd-bless-boot, which ends a trial" },
  { name: "systemd-sysv", why: "/sbin/init, reboot, poweroff" },
  { name: "tzdata", why: "time zones" },
  { name: "udev", why: "devices, also in the initrd" },
  { name: "util-linux", why: "switch_root, agetty, findmnt" },
  { name: "locales", why: "any other locale must be generated", when: ({ locale }) => !["C", "C.UTF-8", "POSIX"].includes(locale) },
  { name: "openssh-server", why: "ssh.enable", when: ({ ssh }) => ssh.enable },
  { name: "sudo", why: "users.*.sudo", when: ({ users }) => Object.values(users).some(({ sudo }) => sudo !== "no") },
  {
    name: "systemd-resolved",
    why: "name servers of an interface, declared or got with an address, have no other reader",
    when: ({ network }) => Object.values(network.interfaces).some(({ dhcp, dns }) => dhcp !== "no" || dns.length > 0),
  },
];

/** What a system asks of the resolver, as a lock records it. */
export function requestOf(system: System): Lock["request"] {
  const { name: distribution, suite, architecture, components } = system.distribution;
  return { distribution, suite, architecture, components, packages: requestedPackages(system), recommends: system.recommends };
}

type LayerRequest = LockedLayers["request"];

export const NO_LAYERS: LayerRequest = { packages: [], debs: [] };

/** What a system's layers ask of the resolver: names, and package files by their content. */
export function layerRequestOf({ layers }: System): LayerRequest {
  return { packages: layers.packages, debs: layers.debs.map(({ sha256 }) => sha256).sort() };
}

/** Names of packages, sorted by bytes, each once. */
export function requestedPackages(system: System): string[] {
  const implied = IMPLIED.filter(({ when }) => when === undefined || when(system)).map(({ name }) => name);
  return [...new Set([...implied, ...system.packages, system.kernel.package])].sort();
}
