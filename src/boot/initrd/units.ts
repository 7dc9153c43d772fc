/** Units of the initrd: systemd's own with the links among them, and the two that are Ashlar's. */
import { AshlarError } from "#errors";
import { compareBytes } from "#formats/bytes.ts";
import type { BootErrorCode } from "../errors.ts";
import { UNITS } from "./contents.ts";
import { putFile, putLink, takeOptional } from "./gather.ts";
import type { Gathering } from "./gather.ts";

const HOME = "/usr/lib/systemd/system";

export function takeUnits(into: Gathering): void {
  for (const unit of UNITS)
    if (!takeOptional(into, `${HOME}/${unit}`))
      throw new AshlarError<BootErrorCode>(
        "E_INITRD_MISSING",
        `the initrd needs the unit ${unit}, which this version of systemd does not have`,
      );
  const known = new Set(UNITS);
  for (const path of [...into.tree.nodes.keys()].sort(compareBytes)) {
    const [, unit] = /^\/usr\/lib\/systemd\/system\/[^/]+\.(?:wants|requires)\/([^/]+)$/.exec(path) ?? [];
    const node = into.tree.nodes.get(path);
    if (unit !== undefined && known.has(unit) && node?.kind === "symlink") putLink(into, path, node.target);
  }
  putLink(into, `${HOME}/default.target`, "initrd.target");
  putLink(into, `${HOME}/ctrl-alt-del.target`, "reboot.target");
  putFile(into, `${HOME}/ashlar-mount.service`, MOUNT_SERVICE);
  putLink(into, `${HOME}/initrd-root-fs.target.requires/ashlar-mount.service`, "../ashlar-mount.service");
  putFile(into, `${HOME}/emergency.service`, EMERGENCY_SERVICE);
  putFile(into, "/usr/lib/systemd/system.conf.d/10-ashlar.conf", MANAGER_CONF);
}

const MOUNT_SERVICE = `[Unit]
Description=Ashlar: the read-only machine in place of its disk
DefaultDependencies=no
ConditionKernelCommandLine=composefs
AssertPathExists=/etc/initrd-release
Requires=sysroot.mount
After=sysroot.mount
Before=initrd-root-fs.target
Conflicts=shutdown.target
OnFailure=emergency.target
OnFailureJobMode=replace-irreversibly

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /usr/lib/ashlar/mount.sh
StandardOutput=journal+console
StandardError=journal+console
`;

/** In place of systemd's, which asks for a password that no initrd has, and waits for ever. */
const EMERGENCY_SERVICE = `[Unit]
Description=Ashlar: restart after a failed start
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target
SuccessAction=reboot-force
FailureAction=reboot-force

[Service]
Type=oneshot
TimeoutStartSec=infinity
ExecStart=/bin/sh /usr/lib/ashlar/emergency.sh
StandardInput=tty-force
StandardOutput=inherit
StandardError=inherit
`;

const MANAGER_CONF = `[Manager]
CrashAction=reboot
`;
