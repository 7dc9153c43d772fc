import assert from "node:assert/strict";
import { execPath } from "node:process";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { compareBytes, fromText } from "#formats/bytes.ts";
import { verityDigest } from "#formats/fsverity.ts";
import { openStore } from "#store/open.ts";
import { exec } from "#sys/exec.ts";
import { setXattr } from "#sys/xattr.ts";
import { scanTree } from "./scan.ts";
import type { ScanOptions } from "./scan.ts";
import type { Tree } from "./tree.ts";

const folder = mkdtempSync(join(tmpdir(), "ashlar-scan-"));
after(() => rmSync(folder, { recursive: true }));
const root = process.getuid?.() === 0 ? false : "needs root: devices, capabilities and owners";
const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const large = "x".repeat(65);
let count = 0;

function newTree(): string {
  const path = join(folder, `${++count}`);
  mkdirSync(path);
  chmodSync(path, 0o755);
  return path;
}

async function scan(path: string, options: Partial<ScanOptions> = {}): Promise<Tree> {
  const store = await openStore(join(folder, "store"), { workers: 0 });
  try {
    return await scanTree(path, store, { mtime: 7, ...options });
  } finally {
    await store.close();
  }
}

test("a folder becomes a tree: permissions, inline and stored contents, links", async () => {
  const path = newTree();
  mkdirSync(join(path, "etc"), { mode: 0o700 });
  writeFileSync(join(path, "etc/empty"), "");
  writeFileSync(join(path, "etc/inline"), "y".repeat(64));
  writeFileSync(join(path, "etc/stored"), large);
  chmodSync(join(path, "etc/stored"), 0o4755);
  symlinkSync("../somewhere else", join(path, "etc/link"));
  const { mtime, nodes } = await scan(`${path}/`);
  assert.equal(mtime, 7);
  assert.deepEqual(
    nodes,
    new Map<string, unknown>([
      ["/", { kind: "directory", mode: 0o755, ...owner }],
      ["/etc", { kind: "directory", mode: 0o700, ...owner }],
      ["/etc/empty", { kind: "file", mode: 0o644, ...owner, content: { inline: Buffer.alloc(0) } }],
      ["/etc/inline", { kind: "file", mode: 0o644, ...owner, content: { inline: Buffer.alloc(64, "y") } }],
      ["/etc/stored", { kind: "file", mode: 0o4755, ...owner, content: { object: verityDigest(Buffer.from(large)), size: 65 } }],
      ["/etc/link", { kind: "symlink", mode: 0o777, ...owner, target: "../somewhere else" }],
    ]),
  );
});

test("names and targets that are not UTF-8 stay bytes", async () => {
  const path = newTree();
  const odd = Buffer.concat([Buffer.from(`${path}/`), Buffer.from([0xff, 0x0a, 0xe4])]);
  mkdirSync(odd);
  writeFileSync(Buffer.concat([odd, Buffer.from("/größe")]), large);
  symlinkSync(Buffer.from([0xfe, 0x20]), Buffer.concat([odd, Buffer.from("/l")]));
  const { nodes } = await scan(path, { move: true });
  assert.deepEqual([...nodes.keys()].sort(), ["/", "/\xff\n\xe4", `/\xff\n\xe4/${fromText("größe")}`, "/\xff\n\xe4/l"].sort());
  const link = nodes.get("/\xff\n\xe4/l");
  assert.equal(link?.kind === "symlink" && link.target, "\xfe ");
});

test("of the names of one file the smallest is the file, whatever the order they were found in", async () => {
  for (const names of [
    ["b", "a/z", "c"],
    ["c", "b", "a/z"],
  ]) {
    const path = newTree();
    mkdirSync(join(path, "a"));
    writeFileSync(join(path, names[0]!), large);
    for (const name of names.slice(1)) linkSync(join(path, names[0]!), join(path, name));
    const { nodes } = await scan(path, { move: true });
    assert.equal(nodes.get("/a/z")?.kind, "file");
    for (const name of ["/b", "/c"]) assert.deepEqual(nodes.get(name), { kind: "hardlink", target: "/a/z" });
  }
});

test("a file with a name outside the tree is copied, never taken away", async () => {
  const path = newTree();
  const outside = join(newTree(), "outside");
  writeFileSync(outside, "precious".repeat(20), { mode: 0o640 });
  linkSync(outside, join(path, "inside"));
  writeFileSync(join(path, "other"), "only here".repeat(20));
  await scan(path, { move: true });
  assert.deepEqual(readdirSync(path), ["inside"]);
  writeFileSync(outside, "changed");
  const { nodes } = await scan(path);
  assert.equal(nodes.get("/inside")?.kind, "file");
});

test("times, order of creation and host attributes do not show", async () => {
  const [one, other] = [newTree(), newTree()];
  const names = ["a", "b", "c"];
  for (const name of names) writeFileSync(join(one, name), large + name);
  for (const name of names.toReversed()) {
    writeFileSync(join(other, name), large + name);
    utimesSync(join(other, name), 1, 1);
    setXattr(fromText(join(other, name)), "user.host", "secret");
  }
  const sorted = (tree: Tree): unknown[] => [...tree.nodes].sort(([a], [b]) => compareBytes(a, b));
  assert.deepEqual(sorted(await scan(one)), sorted(await scan(other)));
});

test("what is skipped is left out with everything below it, and is not moved", async () => {
  const path = newTree();
  mkdirSync(join(path, "proc/1"), { recursive: true });
  writeFileSync(join(path, "proc/1/status"), large);
  writeFileSync(join(path, "kept"), large);
  const { nodes } = await scan(path, { move: true, skip: (name) => name === "/proc" });
  assert.deepEqual([...nodes.keys()], ["/", "/kept"]);
  assert.equal(existsSync(join(path, "proc/1/status")), true);
});

test("fifos and sockets are nodes", async () => {
  const path = newTree();
  await exec("mkfifo", ["-m", "600", join(path, "fifo")]);
  const listen = `require("node:net").createServer().listen(${JSON.stringify(join(path, "socket"))}, () => process.exit())`;
  await exec(execPath, ["-e", listen.replace("process.exit()", "process.kill(process.pid, 'SIGKILL')")], { allowFailure: true });
  const { nodes } = await scan(path);
  assert.deepEqual(nodes.get("/fifo"), { kind: "fifo", mode: 0o600, ...owner });
  assert.equal(nodes.get("/socket")?.kind, "socket");
});

test("devices keep both numbers, also large ones", { skip: root }, async () => {
  const path = newTree();
  await exec("mknod", ["-m", "660", join(path, "sda"), "b", "8", "0"]);
  await exec("mknod", ["-m", "666", join(path, "big"), "c", "4000", "1000000"]);
  const { nodes } = await scan(path);
  assert.deepEqual(nodes.get("/sda"), { kind: "block", mode: 0o660, uid: 0, gid: 0, major: 8, minor: 0 });
  assert.deepEqual(nodes.get("/big"), { kind: "character", mode: 0o666, uid: 0, gid: 0, major: 4000, minor: 1_000_000 });
});

test("file capabilities and ACLs stay, also when the file is moved", { skip: root }, async () => {
  const path = newTree();
  // struct vfs_cap_data, revision 2: effective, CAP_NET_RAW permitted.
  const capability = Buffer.alloc(20);
  capability.writeUInt32LE(0x02000001, 0);
  capability.writeUInt32LE(1 << 13, 4);
  // struct posix_acl_xattr: version 2; user::rwx, user:65534:r--, group::r-x, mask::r-x, other::r-x
  const acl = Buffer.from("0200000001000700ffffffff02000400feff000004000500ffffffff10000500ffffffff20000500ffffffff", "hex");
  writeFileSync(join(path, "ping"), large);
  mkdirSync(join(path, "journal"));
  setXattr(fromText(join(path, "ping")), "security.capability", capability.toString("latin1"));
  setXattr(fromText(join(path, "journal")), "system.posix_acl_default", acl.toString("latin1"));
  const { nodes } = await scan(path, { move: true });
  const xattrsOf = (name: string): unknown => {
    const node = nodes.get(name);
    return node !== undefined && "xattrs" in node ? node.xattrs : undefined;
  };
  assert.deepEqual(xattrsOf("/ping"), new Map([["security.capability", capability.toString("latin1")]]));
  assert.deepEqual(xattrsOf("/journal"), new Map([["system.posix_acl_default", acl.toString("latin1")]]));
});

test("a folder that is not there is named", async () => {
  await assert.rejects(scan(join(folder, "none")), { code: "ENOENT", message: /none/ });
});
