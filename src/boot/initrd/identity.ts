/**
 * /etc of the initrd. It names the distribution, never the machine: generations of different machines share an initrd.
 */
import { toBuffer } from "#formats/bytes.ts";
import { AshlarError } from "#errors";
import type { BootErrorCode } from "../errors.ts";
import { UDEV_RULES } from "./contents.ts";
import { putFile, putLink } from "./gather.ts";
import type { Gathering } from "./gather.ts";
import { readInTree } from "./tree-reader.ts";

const OS_RELEASE_KEYS = /^(ID|ID_LIKE|NAME|PRETTY_NAME|VERSION|VERSION_ID|VERSION_CODENAME)=/;

export function takeIdentity(into: Gathering): void {
  const release = readInTree(into.tree, into.store, "/usr/lib/os-release");
  if (release === undefined) throw new AshlarError<BootErrorCode>("E_INITRD_MISSING", "the initrd needs /usr/lib/os-release");
  const lines = release
    .toString("latin1")
    .split("\n")
    .filter((line) => OS_RELEASE_KEYS.test(line));
  putFile(into, "/etc/initrd-release", toBuffer(lines.map((line) => `${line}\n`).join("")));
  putLink(into, "/etc/os-release", "initrd-release");
  putFile(into, "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
  putFile(into, "/etc/group", groupsOfRules(into));
  putFile(into, "/etc/nsswitch.conf", "passwd: files\ngroup: files\n");
}

/** The groups that the udev rules speak of, with the machine's numbers and without members: devices keep their owner. */
function groupsOfRules(into: Gathering): string {
  const rules = UDEV_RULES.map((name) => readInTree(into.tree, into.store, `/usr/lib/udev/rules.d/${name}`)?.toString("latin1") ?? "");
  const wanted = new Set(["root", ...[...rules.join("\n").matchAll(/GROUP="([^"]+)"/g)].map((match) => match[1])]);
  return (readInTree(into.tree, into.store, "/etc/group")?.toString("latin1") ?? "")
    .split("\n")
    .map((line) => line.split(":"))
    .filter(([name]) => wanted.has(name))
    .sort((a, b) => Number(a[2]) - Number(b[2]))
    .map(([name, , id]) => `${name}:x:${id}:\n`)
    .join("");
}
