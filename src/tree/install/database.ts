/**
 * dpkg's database for packages that Ashlar unpacked: exactly what `dpkg --unpack` would have left, so that
 * `dpkg --configure` goes on from there (deb-md5sums(5), deb-conffiles(5), deb-triggers(5); dpkg's internals/trigger docs).
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toBuffer } from "#formats/bytes.ts";
import { controlField, infoName } from "./unpacked.ts";
import type { UnpackedPackage } from "./unpacked.ts";

const SCRIPTS = new Set(["preinst", "postinst", "prerm", "postrm", "config"]);

/** Creates var/lib/dpkg below `root` with every package in the state "install ok unpacked". */
export function writeDatabase(root: string, packages: readonly UnpackedPackage[], architecture: string): void {
  const at = join(root, "var/lib/dpkg");
  for (const folder of ["info", "updates", "triggers", "alternatives", "parts"]) mkdirSync(join(at, folder), { recursive: true });
  writeFileSync(join(at, "arch"), `${architecture}\n`);
  writeFileSync(join(at, "info/format"), "1\n");
  for (const name of ["diversions", "statoverride", "triggers/File", "triggers/Unincorp"]) writeFileSync(join(at, name), "");
  for (const unpacked of packages) writeInfo(root, unpacked);
  writeFileSync(join(at, "status"), packages.map((unpacked) => `${statusStanza(root, unpacked)}\n\n`).join(""));
  writeTriggers(at, packages);
}

function writeInfo(root: string, unpacked: UnpackedPackage): void {
  const base = join(root, "var/lib/dpkg/info", infoName(unpacked));
  writeFileSync(`${base}.list`, toBuffer(unpacked.list.map((path) => `${path}\n`).join("")));
  for (const [member, content] of unpacked.members)
    writeFileSync(`${base}.${member}`, content, { mode: SCRIPTS.has(member) ? 0o755 : 0o644 });
  if (!unpacked.members.has("md5sums")) writeFileSync(`${base}.md5sums`, ownMd5sums(root, unpacked));
}

/** dpkg makes the list itself for packages that bring none. */
function ownMd5sums(root: string, unpacked: UnpackedPackage): string {
  const conffiles = new Set(conffilesOf(unpacked));
  const lines: string[] = [];
  for (const path of unpacked.list) {
    const file = Buffer.concat([Buffer.from(root), toBuffer(path)]);
    if (conffiles.has(path) || !statSync(file, { throwIfNoEntry: false })?.isFile()) continue;
    lines.push(`${md5(readFileSync(file))}  ${path.slice(1)}\n`);
  }
  return lines.join("");
}

function statusStanza(root: string, unpacked: UnpackedPackage): string {
  const [head, ...rest] = unpacked.control.trimEnd().split("\n");
  const conffiles = conffilesOf(unpacked).map((path) => ` ${path} ${md5(readFileSync(join(root, path)))}`);
  return [head, "Status: install ok unpacked", ...rest, ...(conffiles.length > 0 ? ["Conffiles:", ...conffiles] : [])].join("\n");
}

function conffilesOf(unpacked: UnpackedPackage): string[] {
  const text = unpacked.members.get("conffiles")?.toString() ?? "";
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.startsWith("/"));
}

const md5 = (content: Buffer): string => createHash("md5").update(content).digest("hex");

/** Who is interested in what: one file for paths, one per named trigger. */
function writeTriggers(at: string, packages: readonly UnpackedPackage[]): void {
  const files: string[] = [];
  const named = new Map<string, string[]>();
  for (const unpacked of packages) {
    for (const line of (unpacked.members.get("triggers")?.toString() ?? "").split("\n")) {
      const [, directive, name] = /^\s*(interest(?:-await|-noawait)?)\s+(\S+)/.exec(line) ?? [];
      if (directive === undefined || name === undefined) continue;
      const who = `${infoName(unpacked)}${directive === "interest-noawait" ? "/noawait" : ""}`;
      if (name.startsWith("/")) files.push(`${name} ${who}\n`);
      else named.set(name, [...(named.get(name) ?? []), `${who}\n`]);
    }
  }
  writeFileSync(join(at, "triggers/File"), files.join(""));
  for (const [name, who] of named) writeFileSync(join(at, "triggers", name), who.join(""));
}

/** Whether the package is one that every system must have. */
export function isEssential(unpacked: UnpackedPackage): boolean {
  return controlField(unpacked.control, "Essential") === "yes";
}
