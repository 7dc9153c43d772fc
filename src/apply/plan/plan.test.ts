/** Plans between small trees: a web server, its library, its settings. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DumpInode } from "#formats/composefs/dump-entry.ts";
import { NO_XATTRS } from "#formats/composefs/dump-entry.ts";
import { S_IFDIR, S_IFLNK, S_IFREG } from "#formats/file-mode.ts";
import type { ObjectId } from "#store/object.ts";
import type { Facts, RunningUnit } from "./facts.ts";
import { plan } from "./plan.ts";
import type { Plan, PlanInput, Side } from "./plan.ts";
import { treeOf } from "./tree.ts";

const UNIT = "/usr/lib/systemd/system/web.service";
const FILES: Readonly<Record<string, string>> = {
  [UNIT]: "[Service]\nExecStart=/sbin/web -g x\nExecReload=/bin/kill\n",
  "/usr/lib/systemd/system/multi-user.target.wants/web.service": "-> ../web.service",
  "/usr/sbin/web": "web 1",
  "/usr/lib/x86_64-linux-gnu/libssl.so.3": "ssl 1",
  "/usr/lib/x86_64-linux-gnu/libc.so.6": "libc 1",
  "/usr/share/web/page": "page",
  "/etc/web/web.conf": "port 80",
  "/etc/motd": "hello",
  "/etc/sysctl.d/50-a.conf": "a=1",
  "/usr/lib/sysimage/dpkg/status": "Package: web\nVersion: 1\n\nPackage: libssl3\nVersion: 1\n",
  "/usr/lib/sysimage/dpkg/info/web.list": `/.\n/usr\n/usr/sbin/web\n${UNIT}\n/usr/share/web/page\n/etc/web/web.conf\n`,
  "/usr/lib/sysimage/dpkg/info/libssl3:amd64.list": "/lib/x86_64-linux-gnu/libssl.so.3\n",
};
const KERNEL = { version: "6.12.1", linux: "aa".repeat(32) as ObjectId, initrd: "bb".repeat(32) as ObjectId, arguments: ["quiet"] };
const web: RunningUnit = {
  name: "web.service",
  type: "simple",
  canReload: true,
  mapped: new Set(["/usr/lib/x86_64-linux-gnu/libssl.so.3"]),
};
const facts: Facts = { units: [web], init: new Set(["/usr/lib/systemd/systemd"]), edited: new Set(), complete: true };

test("the same tree needs nothing", () => {
  const found = planTo({});
  assert.deepEqual([found.lines, found.cost, found.way, found.etcChanges], [[], "none", "live", false]);
});

test("a file that is read when it is used costs nothing, and says which path", () => {
  const found = planTo({ "/etc/motd": "welcome" });
  assert.deepEqual(found.lines, [{ what: "/etc/motd", cost: "none", units: [], why: "used when it is next read", paths: ["/etc/motd"] }]);
  assert.equal(found.etcChanges, true);
});

test("a new program of a package restarts its service; the line names the versions", () => {
  const found = planTo({
    "/usr/sbin/web": "web 2",
    "/usr/lib/sysimage/dpkg/status": FILES["/usr/lib/sysimage/dpkg/status"]?.replace("Version: 1", "Version: 2"),
  });
  const line = found.lines.find(({ what }) => what === "web 1 → 2");
  assert.deepEqual([line?.cost, line?.units, line?.why], ["restart", ["restart web.service"], "/usr/sbin/web: it runs this"]);
  assert.deepEqual(found.jobs.restart, ["web.service"]);
  assert.equal(found.way, "live");
});

test("a library restarts the services that have it in their memory, the C library everything", () => {
  assert.deepEqual(planTo({ "/usr/lib/x86_64-linux-gnu/libssl.so.3": "ssl 2" }).jobs.restart, ["web.service"]);
  const libc = planTo({ "/usr/lib/x86_64-linux-gnu/libc.so.6": "libc 2" });
  assert.deepEqual([libc.cost, libc.way], ["soft-reboot", "soft-reboot"]);
});

test("settings are reloaded where the service can, and restarted where it cannot", () => {
  assert.deepEqual(planTo({ "/etc/web/web.conf": "port 81" }).jobs, {
    actions: [],
    stop: [],
    reload: ["web.service"],
    restart: [],
    start: [],
  });
  const cannot = planTo({ "/etc/web/web.conf": "port 81" }, { facts: { ...facts, units: [{ ...web, canReload: false }] } });
  assert.deepEqual(cannot.jobs.restart, ["web.service"]);
});

test("a changed unit file is read again and its service restarted; a program of another package is not touched", () => {
  const found = planTo({ [UNIT]: "[Service]\nExecStart=/usr/sbin/web -g y\n" });
  assert.deepEqual(found.jobs, { actions: ["daemon-reload"], stop: [], reload: [], restart: ["web.service"], start: [] });
});

test("units that are enabled now are started, and those that are gone or masked are stopped", () => {
  const started = planTo({
    "/usr/lib/systemd/system/new.service": "[Service]\nExecStart=/usr/sbin/web\n",
    "/usr/lib/systemd/system/multi-user.target.wants/new.service": "-> ../new.service",
  });
  assert.deepEqual(started.jobs.start, ["new.service"]);
  assert.deepEqual(planTo({ [UNIT]: undefined }).jobs.stop, ["web.service"]);
  assert.deepEqual(planTo({ "/etc/systemd/system/web.service": "-> /dev/null" }).jobs.stop, ["web.service"]);
});

test("kernel settings are written again without an interruption", () => {
  const found = planTo({ "/etc/sysctl.d/50-a.conf": "a=2" });
  assert.deepEqual([found.cost, found.jobs.actions], ["none", ["sysctl"]]);
});

test("what process 1 has in its memory, and what lies outside of /usr and /etc, needs another root", () => {
  assert.equal(planTo({ "/usr/lib/systemd/systemd": "systemd 2" }).cost, "soft-reboot");
  assert.match(planTo({ "/opt/tool": "1" }).lines[0]?.why ?? "", /lies outside of \/usr and \/etc/);
});

test("another kernel, initrd or argument refuses a soft-reboot, another kernel also a live change", () => {
  const kernel = planTo({}, {}, { kernel: { ...KERNEL, version: "6.12.2", linux: "cc".repeat(32) as ObjectId } });
  assert.deepEqual([kernel.way, kernel.refused["soft-reboot"].length, kernel.refused.live.length], ["kexec", 1, 1]);
  const words = planTo({}, { refusals: { kexec: ["locked down"] } }, { kernel: { ...KERNEL, arguments: ["debug"] } });
  assert.deepEqual([words.way, words.refused.live, words.lines[0]?.what], ["reboot", [], "kernel.arguments -quiet +debug"]);
});

test("a persistent /etc refuses what would need a second overlay on its layer", () => {
  const side = { etcMode: "persistent" } as const;
  const changed = planTo({ "/etc/motd": "x" }, {}, side, side);
  assert.deepEqual([changed.way, changed.refused.live.length], ["kexec", 1]);
  assert.equal(planTo({ "/usr/sbin/web": "web 2" }, {}, side, side).way, "live", "without a change of /etc it stays where it is");
});

test("hand-made changes that hide new ones are named, and figures of the last time are added", () => {
  const found = planTo(
    { "/etc/motd": "x", "/usr/sbin/web": "web 2" },
    { facts: { ...facts, edited: new Set(["/etc/motd", "/etc/other"]) }, downtimes: new Map([["restart web.service", 0.4]]) },
  );
  assert.deepEqual(found.hidden, ["/etc/motd"]);
  assert.deepEqual(
    found.lines.map(({ what, downtime }) => [what, downtime]),
    [
      ["/etc/motd", undefined],
      ["/usr/sbin/web", 0.4],
    ],
  );
});

/** From {@link FILES} to the same with changes; `undefined` removes a file, "-> x" is a link. */
function planTo(
  changes: Readonly<Record<string, string | undefined>>,
  input: Partial<PlanInput> = {},
  to: Partial<Side> = {},
  from: Partial<Side> = {},
): Plan {
  const side = { kernel: KERNEL, etcMode: "ephemeral" } as const;
  return plan({
    from: { ...side, generation: 1, digest: "1", tree: tree(FILES), ...from },
    to: { ...side, generation: 2, digest: "2", tree: tree({ ...FILES, ...changes }), ...to },
    facts,
    ...input,
  });
}

function tree(files: Readonly<Record<string, string | undefined>>): Side["tree"] {
  const paths = Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const folders = new Set(paths.flatMap(([path]) => path.split("/").map((_, at, parts) => parts.slice(0, at).join("/") || "/")));
  return treeOf(
    [
      ...[...folders].map((path) => inode(path, S_IFDIR | 0o755)),
      ...paths.map(([path, text]) =>
        text.startsWith("-> ")
          ? { ...inode(path, S_IFLNK | 0o777), payload: text.slice(3) }
          : { ...inode(path, S_IFREG | 0o644), content: Buffer.from(text), size: text.length },
      ),
    ],
    () => Buffer.alloc(0),
  );
}

function inode(path: string, mode: number): DumpInode {
  const owner = { nlink: 1, uid: 0, gid: 0, rdev: 0, mtime: 0, mtimeNsec: 0 };
  return {
    path,
    hardlink: undefined,
    mode,
    size: 0,
    ...owner,
    payload: undefined,
    content: undefined,
    digest: undefined,
    xattrs: NO_XATTRS,
  };
}
