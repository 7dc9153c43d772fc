/** The ESP at /efi, and what systemd has to know of the mounts that the initrd made. */
import type { RuntimeUnit } from "./unit.ts";

const ESP_DEVICE = "/dev/disk/by-partlabel/esp";
/** systemd-escape --path; a backslash and "x2d" stand for "-". */
const ESP_UNIT = "dev-disk-by\\x2dpartlabel-esp";

/**
 * Mounted when somebody looks, unmounted soon after: FAT has no journal, so it should be clean when the power goes.
 * Everybody may read it, so that `ashlar status` tells everybody what starts next: entries, kernel and initrd hold no
 * secrets, and there is no random seed on it. Only root may write.
 */
export function efiUnits(): RuntimeUnit[] {
  return [
    {
      name: "efi.automount",
      text: `[Unit]
Description=EFI system partition, when it is used
Before=local-fs.target

[Automount]
Where=/efi
TimeoutIdleSec=2min
`,
      links: ["local-fs.target.wants"],
    },
    {
      name: "efi.mount",
      text: `[Unit]
Description=EFI system partition
Wants=systemd-fsck@${ESP_UNIT}.service
After=systemd-fsck@${ESP_UNIT}.service

[Mount]
What=${ESP_DEVICE}
Where=/efi
Type=vfat
Options=fmask=0133,dmask=0022,nosuid,nodev,noexec,noatime
`,
    },
  ];
}

/** /usr is one only while another image or an edit lies over it. */
const LASTING_MOUNTS = ["etc", "home", "root", "srv", "state", "sysroot", "usr", "var"];

/**
 * The initrd's mounts, and those over /usr, stay until the machine is off. Without this systemd would try to unmount them while the journal and
 * everything else still use them, and report failures at each shutdown. No unit may name one of them in RequiresMountsFor=:
 * systemd 257 then loads it before it sees that it is mounted, and passes over this.
 */
export const TREE_MOUNTS_CONF: readonly { readonly unit: string; readonly text: string }[] = LASTING_MOUNTS.map((name) => ({
  unit: `${name}.mount`,
  text: "[Unit]\nDefaultDependencies=no\n",
}));

/** A machine that hangs or crashes restarts, so that the boot loader can count. Without a watchdog device the first two do nothing. */
export const MANAGER_CONF = `[Manager]
RuntimeWatchdogSec=2min
RebootWatchdogSec=5min
CrashAction=reboot
`;
