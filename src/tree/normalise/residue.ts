/**
 * What a build leaves behind that is not part of a machine: logs, locks, caches, backups, host facts, secrets.
 * Whatever is listed here could differ between two builds or must not be shared between machines.
 */
import type { ByteString } from "#formats/bytes.ts";
import { removePath } from "../draft.ts";
import type { Draft } from "../draft.ts";
import { compilePattern } from "../pattern.ts";

interface Rule {
  readonly pattern: string;
  readonly why: string;
}

/** Never read from the build folder at all. */
const UNSCANNED: readonly Rule[] = [
  { pattern: "/proc/**", why: "kernel file system" },
  { pattern: "/sys/**", why: "kernel file system" },
  { pattern: "/dev/**", why: "kernel file system" },
  { pattern: "/run/**", why: "run-time state" },
  { pattern: "/tmp/**", why: "temporary files" },
  { pattern: "/var/tmp/**", why: "temporary files" },
  { pattern: "/var/lib/apt/**", why: "the archive's indexes are the lock's business" },
  { pattern: "/var/lib/systemd/catalog/**", why: "made anew on the machine" },
  { pattern: "/usr/lib/python3/dist-packages/__pycache__/**", why: "embeds modification times" },
];

/** Files go, their folders stay: services expect those, with the owners that packages gave them. */
const EMPTIED: readonly Rule[] = [
  { pattern: "/var/log/**", why: "logs of the build, with dates" },
  { pattern: "/var/cache/**", why: "inode numbers, dates, answers of the build; caches are made anew on the machine" },
  { pattern: "/var/backups/**", why: "backups of the build" },
];

const REMOVED: readonly Rule[] = [
  { pattern: "/etc/passwd-", why: "backup of the build" },
  { pattern: "/etc/group-", why: "backup of the build" },
  { pattern: "/etc/shadow-", why: "backup of the build" },
  { pattern: "/etc/gshadow-", why: "backup of the build" },
  { pattern: "/etc/subuid-", why: "backup of the build" },
  { pattern: "/etc/subgid-", why: "backup of the build" },
  { pattern: "/etc/.pwd.lock", why: "lock of the build" },
  { pattern: "/etc/machine-id", why: "identity of one machine" },
  { pattern: "/var/lib/dbus/machine-id", why: "identity of one machine" },
  { pattern: "/etc/hostname", why: "comes from the config" },
  { pattern: "/etc/hosts", why: "comes from the config" },
  { pattern: "/etc/resolv.conf", why: "host fact" },
  { pattern: "/etc/fstab", why: "comes from the config" },
  { pattern: "/etc/adjtime", why: "host fact" },
  { pattern: "/etc/hostid", why: "identity of one machine" },
  { pattern: "/etc/ssh/ssh_host_*", why: "identity of one machine" },
  { pattern: "/etc/ssl/private/*", why: "secrets of one machine" },
  { pattern: "/etc/ssl/certs/ssl-cert-snakeoil.pem", why: "belongs to a secret that is gone" },
  { pattern: "/etc/mysql/debian.cnf", why: "secret of one machine" },
  { pattern: "/etc/initramfs-tools/**", why: "the initrd is Ashlar's" },
  { pattern: "/etc/udev/hwdb.bin", why: "the one in /usr is used" },
  { pattern: "/etc/rc*.d/*", why: "System V start links; systemd does not read them when units exist" },
  { pattern: "/usr/sbin/policy-rc.d", why: "only for the build" },
  { pattern: "/usr/share/info/dir", why: "unsorted index" },
  { pattern: "/usr/share/info/dir.old", why: "unsorted index" },
  { pattern: "/vmlinuz*", why: "link into /boot" },
  { pattern: "/initrd.img*", why: "link into /boot" },
  { pattern: "/.dockerenv", why: "host fact" },
];

const unscanned = UNSCANNED.map((rule) => compilePattern(rule.pattern));
const emptied = EMPTIED.map((rule) => compilePattern(rule.pattern));
const removed = REMOVED.map((rule) => compilePattern(rule.pattern));

/** True for paths that a scan of a build folder skips. */
export function isResidue(path: ByteString): boolean {
  return unscanned.some((matches) => matches(path)) || path.endsWith("/__pycache__") || path.includes("/__pycache__/");
}

/** Removes from a draft what the build left behind. */
export function dropResidue(draft: Draft): void {
  for (const [path, node] of draft.nodes) {
    if (removed.some((matches) => matches(path)) || (node.kind !== "directory" && emptied.some((matches) => matches(path))))
      removePath(draft, path);
  }
}
