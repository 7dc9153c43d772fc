/** Gives one finding the generation's form again. */
import { lstatSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AshlarError } from "#errors";
import { fromText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { exec } from "#sys/exec.ts";
import type { DriftErrorCode } from "./errors.ts";
import type { Facts } from "./facts.ts";
import type { Finding } from "./finding.ts";
import { sysctlPath } from "./gather/system.ts";
import type { ImageView } from "./image.ts";
import { putPath, removeEmpty, restoreFromImage } from "./restore.ts";

/**
 * @param root "/" on a machine
 * @throws E_DRIFT_CANNOT_REVERT with what to do instead
 */
export async function revert(root: string, finding: Finding, { image }: Facts): Promise<void> {
  const { kind, name, path, change } = finding;
  switch (kind) {
    case "file":
    case "usr":
      return revertPath(root, fromText(name), image, change === "removed" || finding.what.includes("kind"));
    case "unit":
      if (change === "stopped") return void (await exec("systemctl", ["start", name]));
      if (path === undefined) throw cannot(finding, `systemctl restart ${name}`);
      if (path.startsWith("/run/")) return rmSync(join(root, path), { force: true });
      return revertPath(root, fromText(path), image, change === "removed");
    case "user":
    case "group":
      return revertAccount(root, finding, image.text.bind(image));
    case "sysctl":
      return writeFileSync(join(root, sysctlPath(name)), finding.declared ?? "");
    case "mount":
      if (change !== "added") throw cannot(finding, name === "/" ? "mount -o remount,ro /" : `mount ${name}`);
      await exec("umount", [name]);
      return undefined;
    case "kernel":
      throw cannot(finding, "restart the machine: arguments count from the next start on");
    case "var":
      throw cannot(finding, `keep it: ashlar state keep ${name}; or look at it and remove it yourself`);
    default:
      return kind satisfies never;
  }
}

/** What must be told to systemd afterwards; none when nothing must. */
export function reloadHint(findings: readonly Finding[]): string | undefined {
  const units = [...new Set(findings.filter(({ kind }) => kind === "unit").map(({ name }) => name))];
  return units.length === 0
    ? undefined
    : `systemd was told. A running unit keeps its old settings until: systemctl restart ${units.join(" ")}`;
}

/** Folders that were made for what is removed go with it. */
function revertPath(root: string, path: ByteString, image: ImageView, deep: boolean): void {
  restoreFromImage(root, path, image, deep);
  for (let at = parent(path); image.node(path) === undefined && image.node(at) === undefined && at !== ""; at = parent(at))
    if (!removeEmpty(root, at)) return;
}

function parent(path: ByteString): ByteString {
  return path.slice(0, path.lastIndexOf("/"));
}

/** The account's own lines of the account files, and no others; in the image's order, so that a file can be as it was. */
function revertAccount(root: string, { kind, name }: Finding, original: (path: string) => string | undefined): void {
  for (const path of kind === "user" ? ["/etc/passwd", "/etc/shadow"] : ["/etc/group", "/etc/gshadow"]) {
    const before = records(original(path) ?? "");
    const now = records(readFileSync(join(root, path), "utf8"));
    const own = before.get(name);
    if (own === undefined) now.delete(name);
    else now.set(name, own);
    const ordered = [...before.keys(), ...now.keys()].flatMap((key) => now.get(key) ?? []);
    const { mode, uid, gid } = lstatSync(join(root, path));
    const content = Buffer.from([...new Set(ordered)].map((line) => `${line}\n`).join(""));
    putPath(root, path, { kind: "file", mode: mode & 0o7777, uid, gid, xattrs: new Map(), content });
  }
}

function records(text: string): Map<string, string> {
  const lines = text.split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => [line.slice(0, Math.max(0, line.indexOf(":"))), line]));
}

function cannot({ kind, name, change }: Finding, hint: string): AshlarError<DriftErrorCode> {
  return new AshlarError("E_DRIFT_CANNOT_REVERT", `${kind} ${name} (${change}) is not something that can be put back`, { hint });
}
