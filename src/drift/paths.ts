/**
 * Where drift keeps what it knows, on a machine:
 *
 *   /run/ashlar/etc/upper             upper layer of an ephemeral or read-only /etc (made by the initrd; another one after `apply`)
 *   /state/etc-overlay/upper          that of a persistent one
 *   /run/ashlar/edit/                 the overlay over /usr of `ashlar edit`: upper, work, session.json
 *   /state/ashlar/allowed.json        what may differ, until when
 *   /state/ashlar/lost-etc/           what was lost at the last stops, newest last (folder 0700)
 *   /state/ashlar/exports/            what `ashlar edit` kept for the config (folder 0700)
 */
import { join } from "node:path";
import type { System } from "#config/system.ts";
import { mountOption, parseMountinfo, topmostMount } from "#formats/mountinfo.ts";

export interface DriftPaths {
  readonly etcUpper: string;
  readonly edit: string;
  readonly allowed: string;
  readonly lost: string;
  readonly exports: string;
  /** dpkg's lists. */
  readonly packages: string;
}

/**
 * @param root "/" on a machine
 * @param mountinfo `/proc/self/mountinfo`: a generation that was applied without a restart has another layer over /etc
 */
export function driftPaths(root: string, etcMode: System["state"]["etcMode"], mountinfo = ""): DriftPaths {
  const seen = mountOption(topmostMount(parseMountinfo(mountinfo), "/etc"), "upperdir");
  return {
    etcUpper: join(root, seen ?? (etcMode === "persistent" ? "sysroot/state/etc-overlay/upper" : "run/ashlar/etc/upper")),
    edit: join(root, "run/ashlar/edit"),
    allowed: join(root, "state/ashlar/allowed.json"),
    lost: join(root, "state/ashlar/lost-etc"),
    exports: join(root, "state/ashlar/exports"),
    packages: join(root, "usr/lib/sysimage/dpkg/info"),
  };
}
