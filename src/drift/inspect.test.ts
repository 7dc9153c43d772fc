/** Each inspector over facts as a machine gives them; files are real ones in a folder that stands for an upper layer. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import type { System } from "#config/system.ts";
import type { DumpEntry, DumpInode } from "#formats/composefs/dump-entry.ts";
import { verityDigest } from "#formats/fsverity.ts";
import type { Facts } from "./facts.ts";
import { isNamed } from "./finding.ts";
import { stoppedOf } from "./gather/system.ts";
import { readUpper } from "./gather/upper.ts";
import type { UpperNode } from "./gather/upper.ts";
import { viewImage } from "./image.ts";
import { inspect } from "./inspect.ts";
import { withOwners } from "./owner.ts";

const folder = mkdtempSync(join(tmpdir(), "ashlar-drift-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;

const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
const LONG = "x".repeat(100);

function inode(path: string, part: Partial<DumpInode> = {}): DumpInode {
  const content = part.content ?? Buffer.alloc(0);
  const base = { hardlink: undefined, nlink: 1, uid, gid, rdev: 0, mtime: 0, mtimeNsec: 0, payload: undefined, digest: undefined };
  return { path, mode: 0o100644, size: content.length, content, xattrs: new Map(), ...base, ...part };
}

const text = (path: string, content: string): DumpInode => inode(path, { content: Buffer.from(content) });
const link = (path: string, payload: string): DumpInode => inode(path, { mode: 0o120777, payload });
const dir = (path: string): DumpInode => inode(path, { mode: 0o040755 });

const IMAGE: DumpEntry[] = [
  dir("/etc"),
  text("/etc/motd", "hi\n"),
  inode("/etc/hosts", { content: undefined, size: LONG.length, digest: verityDigest(Buffer.from(LONG)) }),
  text("/etc/issue", "hi\n"),
  { path: "/etc/issue.net", hardlink: "/etc/issue" },
  link("/etc/localtime", "/usr/share/zoneinfo/UTC"),
  dir("/etc/nginx"),
  text("/etc/passwd", "root:x:0:0::/root:/bin/bash\nada:x:1000:1000::/home/ada:/bin/bash\ngone:x:9:9::/:/bin/sh\n"),
  inode("/etc/shadow", { content: Buffer.from("root:*:1::::::\nada:!:1::::::\ngone:*:1::::::\n"), mode: 0o100640 }),
  text("/etc/group", "root:x:0:\nwww-data:x:33:\n"),
  dir("/usr/lib/sysctl.d"),
  text(
    "/usr/lib/sysctl.d/50-default.conf",
    "# Comment\nkernel.a = 1\n-kernel.absent=7\nnet.conf.*.filter=2\n-net.conf.all.filter\nkernel.mask = 0x10\n",
  ),
  text("/usr/lib/sysctl.d/90-ashlar.conf", "kernel.b = 1  2\nkernel.a=5\n"),
  text("/usr/lib/systemd/system/nginx.service", "[Service]\n"),
];

const SYSTEM = {
  name: "web",
  files: { "/etc/motd": { text: "hi\n" } },
  links: {},
  directories: {},
  users: { ada: {} },
  groups: {},
  units: {},
  services: { enable: ["nginx.service"], disable: [], mask: [] },
  ssh: { enable: false },
  sysctl: { "kernel.b": "1 2" },
  kernel: { arguments: ["quiet"] },
  mounts: { "/srv/data": { device: "LABEL=data", type: "ext4", options: [] } },
  state: { etcMode: "ephemeral", etc: ["kept", "ssh/keys"] },
} as unknown as System;

const MOUNTS = `22 1 0:20 / / ro - overlay composefs:aa ro
23 22 0:21 / /proc rw - proc proc rw
24 22 0:22 / /run rw - tmpfs tmpfs rw
25 22 8:2 /state/var /var rw - ext4 /dev/vda2 rw
26 22 0:30 / /srv/data rw - ext4 /dev/vdb rw
`;

/** A machine on which nothing differs, with this upper layer. */
function facts(etc: readonly UpperNode[] = [], part: Partial<Facts> = {}): Facts {
  const running = new Map([
    ["kernel.a", "5\n"],
    ["kernel.b", "1\t2\n"],
    ["kernel.mask", "16\n"],
    ["net.conf.eth0.filter", "2\n"],
    ["net.conf.all.filter", "0\n"],
  ]);
  return {
    system: SYSTEM,
    image: viewImage(IMAGE, () => Buffer.from(LONG)),
    etc,
    runtimeUnits: [],
    units: { failed: [], stopped: [] },
    sysctl: (key) => running.get(key),
    sysctlsLike: () => ["net.conf.all.filter", "net.conf.eth0.filter"],
    cmdline: "initrd=\\ashlar\\initrd composefs=aa rw panic=30 quiet",
    entryOptions: "composefs=aa rw panic=30 quiet",
    mountinfo: MOUNTS,
    unknown: [],
    session: undefined,
    ...part,
  };
}

/** Files of an upper layer: content, or a link's target. */
function upper(files: Readonly<Record<string, string | { link: string }>>, at = "/etc"): UpperNode[] {
  const layer = join(folder, String(++count));
  mkdirSync(layer);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(layer, name)), { recursive: true, mode: 0o755 });
    if (typeof content === "string") writeFileSync(join(layer, name), content, { mode: 0o644 });
    else symlinkSync(content.link, join(layer, name));
  }
  return readUpper(layer, at);
}

const whiteout = (path: string): UpperNode => ({
  path,
  kind: "whiteout",
  mode: 0o020000,
  uid: 0,
  gid: 0,
  size: 0,
  opaque: false,
  xattrs: new Map(),
  content: () => Buffer.alloc(0),
});

const lines = (all: Facts): string[] => inspect(all).map(({ kind, name, change, what }) => [kind, name, change, ...what].join(" "));

test("a machine as its generation says has no drift", () => {
  assert.deepEqual(lines(facts()), []);
  assert.deepEqual(lines(facts(readUpper(join(folder, "missing"), "/etc"))), []);
});

test("content, kind, mode and links of /etc are compared; declared state and the system's own files are not", () => {
  const etc = upper({
    motd: "ho\n",
    hosts: LONG,
    issue: "hi\n",
    "issue.net": "hi\n",
    localtime: { link: "/usr/share/zoneinfo/Europe/Rome" },
    "nginx/new.conf": "",
    "machine-id": "1\n",
    kept: "declared\n",
    "ssh/keys/one": "declared\n",
    "passwd-": "",
  });
  assert.deepEqual(lines(facts(etc)), [
    "file /etc/localtime changed content",
    "file /etc/motd changed content",
    "file /etc/nginx/new.conf added",
  ]);
  const layer = join(folder, "modes");
  mkdirSync(join(layer, "motd"), { recursive: true });
  writeFileSync(join(layer, "issue"), "hi\n");
  chmodSync(join(layer, "issue"), 0o600);
  assert.deepEqual(lines(facts(readUpper(layer, "/etc"))), ["file /etc/issue changed mode", "file /etc/motd changed kind mode"]);
});

test("whiteouts and folders that hide the image's ones tell what was removed, a folder in one line", () => {
  assert.deepEqual(lines(facts([whiteout("/etc/nginx"), whiteout("/etc/never")])), ["file /etc/nginx removed"]);
  const hidden = upper({ "nginx/own": "" }).map((node) => (node.kind === "directory" ? { ...node, opaque: true } : node));
  const image = viewImage([...IMAGE, text("/etc/nginx/a", ""), dir("/etc/nginx/d"), text("/etc/nginx/d/x", "")], () => Buffer.from(LONG));
  assert.deepEqual(lines(facts(hidden, { image })), [
    "file /etc/nginx/a removed",
    "file /etc/nginx/d removed",
    "file /etc/nginx/own added",
  ]);
});

test("what may be a secret is marked", () => {
  const etc = upper({ "app.key": "k", "app.conf": "c", "x.pub": "p" });
  const marked = inspect(facts(etc)).filter(({ secret }) => secret === true);
  assert.deepEqual(
    marked.map(({ name }) => name),
    ["/etc/app.key"],
  );
});

test("accounts are told by name, and a hash only by the word password", () => {
  const etc = upper({
    passwd: "root:x:0:0::/root:/bin/bash\nada:x:1000:1000::/home/ada:/bin/zsh\nbob:x:1001:1001::/home/bob:/bin/sh\n",
    shadow: "root:$6$secret:2::::::\nada:!:1::::::\nbob:!:1::::::\n",
    group: "root:x:0:\nwww-data:x:33:ada\n",
  }).map((node) => (node.path === "/etc/shadow" ? { ...node, mode: 0o100640 } : node));
  const found = lines(facts(etc));
  assert.deepEqual(found, [
    "group www-data changed members",
    "user ada changed shell",
    "user bob added",
    "user gone removed",
    "user root changed password changed",
  ]);
  assert.doesNotMatch(JSON.stringify(inspect(facts(etc))), /\$6\$/);
});

test("links, drop-ins and masks below the folders of units are told as units", () => {
  const etc = upper({
    "systemd/system/nginx.service": { link: "/dev/null" },
    "systemd/system/multi-user.target.wants/a.service": { link: "/usr/lib/systemd/system/a.service" },
    "systemd/system/nginx.service.d/override.conf": "[Service]\n",
    "systemd/system/own.timer": "[Timer]\n",
  });
  const runtimeUnits = [
    { path: "/run/systemd/system/b.service", target: "/dev/null" },
    { path: "/run/systemd/system/nginx.service.d/x.conf" },
    { path: "/run/systemd/system/nginx.service.d/override.conf" },
  ];
  assert.deepEqual(lines(facts(etc, { runtimeUnits, units: { failed: ["f.service"], stopped: ["nginx.service"] } })), [
    "unit a.service enabled wants multi-user.target",
    "unit b.service masked until the next start",
    "unit f.service failed",
    "unit nginx.service edited override.conf",
    "unit nginx.service edited x.conf until the next start",
    "unit nginx.service masked",
    "unit nginx.service stopped",
    "unit own.timer added",
  ]);
});

test("kernel parameters count as systemd-sysctl sets them: later files win, patterns spare the excluded, spelling is nothing", () => {
  const values = new Map([
    ["kernel.a", "1"],
    ["kernel.b", "1 2"],
    ["kernel.mask", "0"],
    ["net.conf.eth0.filter", "1"],
    ["net.conf.all.filter", "1"],
    ["kernel.absent", "0"],
  ]);
  assert.deepEqual(lines(facts([], { sysctl: (key) => values.get(key) })), [
    "sysctl kernel.a changed 1 instead of 5",
    "sysctl kernel.mask changed 0 instead of 0x10",
    "sysctl net.conf.eth0.filter changed 1 instead of 2",
  ]);
});

test("kernel arguments differ from the entry, and an entry from the config", () => {
  const entryOptions = "composefs=aa rw panic=30 quiet debug";
  assert.deepEqual(lines(facts([], { entryOptions, cmdline: "composefs=aa rw panic=30 quiet single" })), [
    "kernel debug added in the boot entry, not in the config",
    "kernel debug removed in the boot entry only",
    "kernel single added not in the boot entry",
  ]);
});

test("mounts of others are listed, missing ones too, and a root that can be written", () => {
  const mountinfo = `${MOUNTS.replace("/ / ro", "/ / rw").replace(/^26.*\n/m, "")}27 22 0:40 / /mnt rw - tmpfs none rw\n28 22 0:41 / /run/user/1000 rw - tmpfs tmpfs rw\n29 22 0:20 / /usr ro - overlay composefs:bb ro\n`;
  assert.deepEqual(lines(facts([], { mountinfo })), [
    "mount / changed writable",
    "mount /mnt added tmpfs none",
    "mount /srv/data removed LABEL=data",
  ]);
});

test("an edit session is told file by file, and its mount is not told again", () => {
  const changes = upper({ "lib/libfix.so": { link: "libc.so.6" } }, "/usr");
  const session = { since: 0, by: "ada", command: ["ln"], image: "aa", changes };
  const mountinfo = `${MOUNTS}30 22 0:42 / /usr rw - overlay ashlar-edit rw\n`;
  assert.deepEqual(lines(facts([], { session, mountinfo })), ["usr /usr/lib/libfix.so added"]);
});

test("data that nothing declares is told with its size", () => {
  const unknown = [{ path: "/var/lib/left", bytes: 2_000_000, files: 3, changed: 0, uid: 0 }];
  assert.deepEqual(lines(facts([], { unknown })), ["var /var/lib/left unknown 2.00 MB"]);
});

test("owners are the package of the file and the option of the config", () => {
  const etc = upper({ motd: "ho\n", "systemd/system/nginx.service": { link: "/dev/null" }, hostname: "x\n" });
  const packages = new Map([["/usr/lib/systemd/system/nginx.service", "nginx-common"]]);
  assert.deepEqual(
    withOwners(inspect(facts(etc)), SYSTEM, packages).map(({ name, package: brought, option }) => [name, brought, option]),
    [
      ["/etc/hostname", undefined, "hostname"],
      ["/etc/motd", undefined, "files./etc/motd"],
      ["nginx.service", "nginx-common", "services.enable"],
    ],
  );
});

test("a unit counts as stopped when it could run, ran, and runs no more", () => {
  const block = (id: string, part: Readonly<Record<string, string>> = {}): string =>
    Object.entries({
      Id: id,
      ActiveState: "inactive",
      Type: "simple",
      ConditionResult: "yes",
      InactiveEnterTimestampMonotonic: "9",
      ...part,
    })
      .map(([key, value]) => `${key}=${value}`)
      .join("\n");
  const shown = [
    block("stopped.service"),
    block("runs.service", { ActiveState: "active" }),
    block("once.service", { Type: "oneshot" }),
    block("never.service", { InactiveEnterTimestampMonotonic: "0" }),
    block("unfit.service", { ConditionResult: "no" }),
  ];
  assert.deepEqual(stoppedOf(shown.join("\n\n")), ["stopped.service"]);
});

test("a name means a finding, its file, its kind, or all in a folder", () => {
  const finding = {
    kind: "unit",
    name: "nginx.service",
    change: "edited",
    what: [],
    path: "/etc/systemd/system/nginx.service.d/a.conf",
  } as const;
  for (const name of ["nginx", "nginx.service", "unit:nginx.service", finding.path, "/etc/systemd", "/etc/systemd/"])
    assert.ok(isNamed(finding, name), name);
  for (const name of ["ngin", "/etc/system", "file:nginx.service", ""]) assert.equal(isNamed(finding, name), false, name);
});
