/**
 * What the initrd holds, as tables: which programs, units, rules, and why. The packages are those of the machine itself, so the
 * initrd and the root never disagree about versions.
 */

/** Programs (or links to them) in the machine's tree; their libraries follow by themselves. `optional` ones may be missing. */
export const PROGRAMS: readonly { readonly path: string; readonly why: string; readonly optional?: true }[] = [
  { path: "/usr/lib/systemd/systemd", why: "process 1" },
  { path: "/usr/lib/systemd/systemd-executor", why: "starts every service" },
  { path: "/usr/lib/systemd/systemd-journald", why: "keeps what the start says" },
  { path: "/usr/lib/systemd/systemd-udevd", why: "finds disks, loads their drivers" },
  { path: "/usr/lib/systemd/systemd-shutdown", why: "restarts after a failure" },
  { path: "/usr/lib/systemd/systemd-fsck", why: "checks the physical root" },
  { path: "/usr/lib/systemd/systemd-sysroot-fstab-check", why: "initrd-parse-etc.service" },
  { path: "/usr/lib/systemd/system-generators/systemd-fstab-generator", why: "makes sysroot.mount from root=" },
  { path: "/usr/lib/systemd/system-generators/systemd-debug-generator", why: "systemd.mask= and systemd.wants=" },
  { path: "/usr/bin/udevadm", why: "coldplug" },
  { path: "/usr/bin/systemctl", why: "switch-root" },
  { path: "/usr/bin/journalctl", why: "looking into a failed start" },
  { path: "/usr/sbin/modprobe", why: "the kernel asks it for file systems" },
  { path: "/usr/bin/kmod", why: "lsmod and static nodes" },
  { path: "/usr/bin/sh", why: "the mount script" },
  { path: "/usr/bin/mount", why: "the mount script" },
  { path: "/usr/bin/umount", why: "the mount script" },
  { path: "/usr/bin/mountpoint", why: "device number of the physical root" },
  { path: "/usr/bin/fsverity", why: "measures the image" },
  { path: "/usr/sbin/fsck", why: "systemd-fsck runs it" },
  { path: "/usr/sbin/e2fsck", why: "ext4" },
  { path: "/usr/sbin/fsck.ext4", why: "ext4" },
  ...["cat", "chmod", "chown", "cp", "ln", "ls", "mkdir", "mv", "rm", "sleep", "sync", "tr", "uname"].map((name) => ({
    path: `/usr/bin/${name}`,
    why: "the mount script, or looking into a failed start",
  })),
  { path: "/usr/bin/dmesg", why: "looking into a failed start", optional: true },
];

/** Units of systemd and udev that take a machine from the kernel to switch-root. Links among `.wants` follow. */
export const UNITS: readonly string[] = [
  "basic.target",
  "emergency.target",
  "final.target",
  "halt.target",
  "initrd-cleanup.service",
  "initrd-fs.target",
  "initrd-parse-etc.service",
  "initrd-root-device.target",
  "initrd-root-fs.target",
  "initrd-switch-root.service",
  "initrd-switch-root.target",
  "initrd-udevadm-cleanup-db.service",
  "initrd-usr-fs.target",
  "initrd.target",
  "kmod-static-nodes.service",
  "local-fs-pre.target",
  "local-fs.target",
  "modprobe@.service",
  "paths.target",
  "poweroff.target",
  "reboot.target",
  "shutdown.target",
  "slices.target",
  "sockets.target",
  "swap.target",
  "sysinit.target",
  "systemd-fsck@.service",
  "systemd-halt.service",
  "systemd-journald-dev-log.socket",
  "systemd-journald.service",
  "systemd-journald.socket",
  "systemd-poweroff.service",
  "systemd-reboot.service",
  "systemd-udev-trigger.service",
  "systemd-udevd-control.socket",
  "systemd-udevd-kernel.socket",
  "systemd-udevd.service",
  "timers.target",
  "umount.target",
];

/** Rules that name block devices, load drivers and tell systemd about devices. */
export const UDEV_RULES: readonly string[] = [
  "50-udev-default.rules",
  "60-block.rules",
  "60-persistent-storage.rules",
  "80-drivers.rules",
  "99-systemd.rules",
];

/** Folders and links that programs expect of every root. */
export const SKELETON = {
  directories: ["dev", "etc", "proc", "root", "run", "sys", "sysroot", "tmp", "usr", "var"],
  links: { "/init": "usr/lib/systemd/systemd", "/bin": "usr/bin", "/sbin": "usr/sbin", "/lib": "usr/lib", "/lib64": "usr/lib64" },
} as const;
