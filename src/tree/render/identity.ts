/** Host name, locale, time zone, keyboard: one small file each, in the standard places that systemd reads. */
import type { System } from "#config/system.ts";
import { editText, putFile, putSymlink } from "../draft.ts";
import type { Draft } from "../draft.ts";

const TEXT = { mode: 0o644, uid: 0, gid: 0 } as const;

export function renderIdentity(draft: Draft, system: System): void {
  putFile(draft, "/etc/hostname", `${system.hostname}\n`, TEXT);
  putFile(draft, "/etc/hosts", `127.0.0.1 localhost\n127.0.1.1 ${system.hostname}\n::1 localhost ip6-localhost ip6-loopback\n`, TEXT);
  putFile(draft, "/etc/locale.conf", `LANG=${system.locale}\n`, TEXT);
  // The link that Debian's own tmpfiles.d would put there at each start.
  putSymlink(draft, "/etc/default/locale", "../locale.conf");
  putFile(draft, "/etc/timezone", `${system.timezone}\n`, TEXT);
  putSymlink(draft, "/etc/localtime", `/usr/share/zoneinfo/${system.timezone}`);
  const { layout, variant, options } = system.keyboard;
  putFile(
    draft,
    "/etc/default/keyboard",
    `XKBMODEL="pc105"\nXKBLAYOUT="${layout}"\nXKBVARIANT="${variant}"\nXKBOPTIONS="${options}"\nBACKSPACE="guess"\n`,
    TEXT,
  );
  // First-boot semantics are the initrd's business; systemd only has to find the file (machine-id(5)).
  putFile(draft, "/etc/machine-id", "uninitialized\n", { ...TEXT, mode: 0o444 });
  putFile(draft, "/etc/fstab", fstab(system), TEXT);
  putFile(
    draft,
    "/usr/lib/systemd/system-preset/00-ashlar.preset",
    "# Units are enabled by links in the image, never by presets.\ndisable *\n",
    TEXT,
  );
  renderSysctl(draft, system);
  renderOsRelease(draft, system);
}

/** No line for /: its mount is the initrd's, and systemd-remount-fs must not touch it. */
function fstab(system: System): string {
  const lines = Object.entries(system.mounts).map(
    ([path, mount]) => `${mount.device} ${path} ${mount.type} ${mount.options.join(",") || "defaults"} 0 2\n`,
  );
  return `# Made by Ashlar from the config's mounts.\n${lines.join("")}`;
}

function renderSysctl(draft: Draft, system: System): void {
  const lines = Object.entries(system.sysctl).map(([key, value]) => `${key} = ${value}\n`);
  if (lines.length > 0) putFile(draft, "/usr/lib/sysctl.d/90-ashlar.conf", lines.join(""), TEXT);
}

/** os-release(5): names the image; no date and no digest, which would have to contain itself. */
function renderOsRelease(draft: Draft, system: System): void {
  editText(
    draft,
    "/usr/lib/os-release",
    (text) => `${text.replace(/^IMAGE_(ID|VERSION)=.*\n/gm, "")}IMAGE_ID=${JSON.stringify(system.name)}\n`,
  );
}
