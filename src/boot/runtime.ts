/**
 * What the read-only machine needs besides its packages: mount points, and the units that mount the ESP, keep declared state,
 * make ssh host keys, judge a trial and feed the watchdog. All of it lies in /usr and changes with the image; nothing is
 * enabled by a link in /etc (a stale one there keeps a machine from booting).
 */
import type { System } from "#config/system.ts";
import type { Contribution } from "#tree/contribution.ts";
import { readAsset } from "./assets.ts";
import { MASKED_GENERATORS, MASKED_UNITS, MOUNT_POINTS } from "./runtime/tables.ts";
import { confirmUnits } from "./runtime/confirm.ts";
import { driftUnits } from "./runtime/drift.ts";
import { healthDropIns, healthUnits } from "./runtime/health.ts";
import { MANAGER_CONF, TREE_MOUNTS_CONF, efiUnits } from "./runtime/mounts.ts";
import { sshKeyUnits } from "./runtime/ssh.ts";
import { recoveryUnits } from "./runtime/recovery.ts";
import { schemaDropIns, schemaUnits } from "./runtime/schemas.ts";
import { stateUnits } from "./runtime/state.ts";
import { updateUnits } from "./runtime/updates.ts";
import { varKeep, wipedUnits } from "./runtime/var.ts";
import { recoveryKinds } from "./recovery.ts";
import type { RuntimeUnit } from "./runtime/unit.ts";

const UNITS = "/usr/lib/systemd/system";
const OWN = "/usr/lib/ashlar";
/** Before /usr/lib in systemd's search path, and of no package: a mask there leaves the package's file as it is. */
const MASKS = "/usr/local/lib/systemd";

/** What the boot stage adds to a tree, in order. */
export function bootContributions(system: System): Contribution[] {
  const units = [
    ...efiUnits(),
    ...stateUnits(system),
    ...driftUnits(system),
    ...sshKeyUnits(system),
    ...healthUnits(),
    ...confirmUnits(),
    ...schemaUnits(system),
    ...wipedUnits(system),
    ...recoveryUnits(system.boot),
    ...updateUnits(system),
  ];
  return [
    ...MOUNT_POINTS.map(({ path, mode }): Contribution => ({ kind: "directory", path, mode })),
    ...units.flatMap(unitContributions),
    ...TREE_MOUNTS_CONF.map(({ unit, text }) => file(`${UNITS}/${unit}.d/10-ashlar.conf`, text)),
    ...healthDropIns(system.boot).map(({ unit, text }) => file(`${UNITS}/${unit}.d/10-ashlar.conf`, text)),
    ...schemaDropIns(system).map(({ unit, text }) => file(`${UNITS}/${unit}.d/10-ashlar-schema.conf`, text)),
    file("/usr/lib/systemd/system.conf.d/10-ashlar.conf", MANAGER_CONF),
    ...MASKED_UNITS.map(({ unit }) => mask(`system/${unit}`)),
    ...MASKED_GENERATORS.map(({ generator }) => mask(`system-generators/${generator}`)),
    file(`${OWN}/etc-mode`, `${system.state.etcMode}\n`),
    file(`${OWN}/var-mode`, `${system.state.varMode}\n`),
    file(
      `${OWN}/var-keep`,
      varKeep(system)
        .map((path) => `${path}\n`)
        .join(""),
    ),
    file(`${OWN}/recovery`, `${recoveryKinds(system.boot).join(" ")}\n`),
    file(
      `${OWN}/state-etc`,
      [...system.state.etc]
        .sort()
        .map((path) => `${path}\n`)
        .join(""),
    ),
  ];
}

function unitContributions(unit: RuntimeUnit): Contribution[] {
  return [
    file(`${UNITS}/${unit.name}`, unit.text),
    ...(unit.links ?? []).map((folder): Contribution => ({
      kind: "symlink",
      path: `${UNITS}/${folder}/${unit.name}`,
      target: `../${unit.name}`,
    })),
    ...(unit.scripts ?? []).map((script) => file(`${OWN}/${script}`, readAsset(script))),
  ];
}

function mask(name: string): Contribution {
  return { kind: "symlink", path: `${MASKS}/${name}`, target: "/dev/null" };
}

function file(path: string, content: Buffer | string): Contribution {
  return { kind: "file", path, content, mode: 0o644 };
}
