/** Fixed facts of a machine whose root is read-only. */

/** Folders that must exist in the image, because nobody can make them later. Modes of bind mounts are those of what is mounted. */
export const MOUNT_POINTS: readonly { readonly path: string; readonly mode: number }[] = [
  { path: "/boot", mode: 0o755 },
  { path: "/dev", mode: 0o755 },
  { path: "/efi", mode: 0o755 },
  { path: "/home", mode: 0o755 },
  { path: "/media", mode: 0o755 },
  { path: "/mnt", mode: 0o755 },
  { path: "/proc", mode: 0o555 },
  { path: "/root", mode: 0o700 },
  { path: "/run", mode: 0o755 },
  { path: "/srv", mode: 0o755 },
  { path: "/state", mode: 0o755 },
  { path: "/sys", mode: 0o555 },
  { path: "/sysroot", mode: 0o755 },
  { path: "/tmp", mode: 0o1777 },
  { path: "/var", mode: 0o755 },
];

/** Units of packages that would change or repair what only a new generation may. */
export const MASKED_UNITS: readonly { readonly unit: string; readonly why: string }[] = [
  { unit: "apt-daily.service", why: "packages come with images" },
  { unit: "apt-daily.timer", why: "packages come with images" },
  { unit: "apt-daily-upgrade.service", why: "packages come with images" },
  { unit: "apt-daily-upgrade.timer", why: "packages come with images" },
  { unit: "dpkg-db-backup.service", why: "the database is part of the image" },
  { unit: "dpkg-db-backup.timer", why: "the database is part of the image" },
  { unit: "e2scrub_all.timer", why: "for LVM; fs-verity checks every read" },
  { unit: "e2scrub_reap.service", why: "for LVM" },
  { unit: "systemd-boot-random-seed.service", why: "writes to the ESP at each start, and makes every start wait for it" },
  { unit: "systemd-boot-update.service", why: "the boot loader is Ashlar's to write" },
  { unit: "systemd-firstboot.service", why: "the config answers all its questions" },
  { unit: "systemd-hwdb-update.service", why: "the hardware database comes with the image" },
  { unit: "systemd-journal-catalog-update.service", why: "the catalog comes with the image" },
  { unit: "systemd-machine-id-commit.service", why: "the initrd keeps the machine id" },
  { unit: "systemd-remount-fs.service", why: "an overlay root cannot be remounted (systemd #39558)" },
  { unit: "systemd-sysusers.service", why: "accounts come with the image" },
  { unit: "ldconfig.service", why: "ld.so.cache comes with the image" },
];

/** Generators that would add to the machine what its config does not say. */
export const MASKED_GENERATORS: readonly { readonly generator: string; readonly why: string }[] = [
  { generator: "systemd-gpt-auto-generator", why: "mounts partitions by their type, the ESP a second time at /boot" },
  { generator: "systemd-ssh-generator", why: "opens sshd to the hypervisor, whatever ssh.enable says" },
];
