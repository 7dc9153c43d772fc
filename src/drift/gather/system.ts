/** What runs, from /proc, /run and systemd. */
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { hasErrno } from "#errors";
import type { System } from "#config/system.ts";
import { exec } from "#sys/exec.ts";
import type { RuntimeUnitFile, UnitStates } from "../facts.ts";

/** Files and links of one folder of units and of the folders in it; empty when there is none. */
export function runtimeUnits(root: string): RuntimeUnitFile[] {
  return ["/run/systemd/system", "/run/systemd/system.control"].flatMap((folder) =>
    filesBelow(join(root, folder)).map((below): RuntimeUnitFile => {
      const local = join(root, folder, below);
      const path = `${folder}/${below}`;
      return lstatSync(local).isSymbolicLink() ? { path, target: readlinkSync(local) } : { path };
    }),
  );
}

/** Units that failed, and those of the config that ran and were stopped. Without systemd there are none. */
export async function unitStates(system: System): Promise<UnitStates> {
  if (!existsSync("/run/systemd/private")) return { failed: [], stopped: [] };
  const listed = await exec("systemctl", ["list-units", "--state=failed", "--plain", "--no-legend", "--no-pager", "--full"]);
  const failed = listed.stdout
    .toString()
    .split("\n")
    .flatMap((line) => /^\s*(\S+)/.exec(line)?.[1] ?? []);
  const declared = [
    ...system.services.enable,
    ...Object.keys(system.units).filter((name) => system.units[name]?.enable === true),
    ...(system.ssh.enable ? ["ssh.service"] : []),
  ].filter((name) => !failed.includes(name));
  if (declared.length === 0) return { failed, stopped: [] };
  const properties = "Id,ActiveState,Type,ConditionResult,InactiveEnterTimestampMonotonic";
  const shown = await exec("systemctl", ["show", `--property=${properties}`, "--", ...declared]);
  return { failed, stopped: stoppedOf(shown.stdout.toString()) };
}

/** @param text of `systemctl show`: one block of `Key=value` lines a unit */
export function stoppedOf(text: string): string[] {
  return text.split("\n\n").flatMap((block) => {
    const values = new Map(block.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
    const ended = Number(values.get("InactiveEnterTimestampMonotonic") ?? 0) > 0;
    const isStopped = values.get("ActiveState") === "inactive" && values.get("ConditionResult") === "yes" && ended;
    return isStopped && values.get("Type") !== "oneshot" ? (values.get("Id") ?? []) : [];
  });
}

/** Value of a kernel parameter; a "/" in a key stands for a dot in a name (sysctl.d(5)). Some may only be written. */
export function readSysctl(root: string, key: string): string | undefined {
  try {
    return readFileSync(join(root, sysctlPath(key)), "utf8");
  } catch (error) {
    if (["ENOENT", "EACCES", "EIO", "EINVAL", "EPERM"].some((errno) => hasErrno(error, errno))) return undefined;
    throw error;
  }
}

/** "net.ipv4.conf.eth0/1.forwarding" to its file below /proc/sys. */
export function sysctlPath(key: string): string {
  const parts = key.split(".").map((part) => part.replaceAll("/", "."));
  return `/proc/sys/${parts.join("/")}`;
}

/** Keys that match a pattern in which `*` stands for one name or a part of one. */
export function sysctlsLike(root: string, pattern: string): string[] {
  let found = [""];
  for (const part of pattern.split(".")) {
    const matches = new RegExp(`^${part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll("*", ".*")}$`);
    found = found.flatMap((key) => {
      const names = part.includes("*") ? namesIn(join(root, key === "" ? "/proc/sys" : sysctlPath(key))) : [part];
      return names.filter((name) => matches.test(name)).map((name) => (key === "" ? "" : `${key}.`) + name.replaceAll(".", "/"));
    });
  }
  return found;
}

function filesBelow(folder: string): string[] {
  return namesIn(folder).flatMap((name) => {
    const isFolder = lstatSync(join(folder, name)).isDirectory();
    return isFolder ? filesBelow(join(folder, name)).map((below) => `${name}/${below}`) : [name];
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR")) return [];
    throw error;
  }
}
