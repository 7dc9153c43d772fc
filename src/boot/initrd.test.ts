import assert from "node:assert/strict";
import { test } from "node:test";
import { zstdDecompressSync } from "node:zlib";
import { readCpio } from "#formats/cpio.ts";
import type { CpioEntry } from "#formats/cpio.ts";
import type { Tree, TreeNode } from "#tree/tree.ts";
import { memoryStore } from "../../test/support/memory-store.ts";
import { PROGRAMS, UDEV_RULES, UNITS } from "./initrd/contents.ts";
import { compressInitrd, gatherInitrd } from "./initrd.ts";

const MODULES = "/usr/lib/modules/6.12-test";
const options = { modules: ["extra"], epoch: 1_700_000_000 };
const store = memoryStore();

/** A tree with all that an initrd takes. Programs are scripts, which need no libraries. */
function sampleTree(): Map<string, TreeNode> {
  const own = { mode: 0o755, uid: 0, gid: 0 };
  const nodes = new Map<string, TreeNode>();
  const file = (path: string, text: string): void => void nodes.set(path, { kind: "file", ...own, content: content(text) });
  const link = (path: string, target: string): void => void nodes.set(path, { kind: "symlink", ...own, target });
  for (const { path } of PROGRAMS) file(path, `#!/bin/sh\n# ${path}\n`);
  link("/usr/sbin/fsck.ext4", "e2fsck");
  link("/usr/bin/sh", "dash");
  file("/usr/bin/dash", "#!dash\n");
  for (const unit of UNITS) file(`/usr/lib/systemd/system/${unit}`, "[Unit]\n");
  link("/usr/lib/systemd/system/sockets.target.wants/systemd-journald.socket", "../systemd-journald.socket");
  link("/usr/lib/systemd/system/sockets.target.wants/other.socket", "../other.socket");
  for (const rule of UDEV_RULES) file(`/usr/lib/udev/rules.d/${rule}`, 'KERNEL=="sd*", GROUP="disk"\n');
  file("/usr/lib/os-release", 'ID=debian\nPRETTY_NAME="Debian"\nIMAGE_ID="web"\n');
  file("/etc/group", "root:x:0:\nweb:x:1000:\ndisk:x:6:ada\n");
  file(`${MODULES}/vmlinuz`, "x".repeat(100));
  file(`${MODULES}/modules.dep`, "kernel/erofs.ko: kernel/netfs.ko\nkernel/netfs.ko:\nkernel/extra.ko:\nkernel/sound.ko:\n");
  for (const name of ["erofs", "netfs", "extra", "sound"]) file(`${MODULES}/kernel/${name}.ko`, name);
  for (const path of nodes.keys())
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1))
      nodes.set(path.slice(0, at), { kind: "directory", ...own });
  return nodes;
}

const content = (text: string): Extract<TreeNode, { kind: "file" }>["content"] =>
  text.length <= 64 ? { inline: Buffer.from(text) } : { object: store.add(Buffer.from(text)), size: text.length };
const treeOf = (nodes: Map<string, TreeNode>): Tree => ({ mtime: 0, nodes });
const gather = (nodes: Map<string, TreeNode>): Map<string, CpioEntry> =>
  new Map(readCpio(gatherInitrd(treeOf(nodes), store, options).archive).map((entry) => [entry.path, entry]));
const textOf = (entry: CpioEntry | undefined): string => (entry?.kind === "file" ? entry.content.toString() : "");

test("two trees with the same content in another order give the same bytes", () => {
  const one = gatherInitrd(treeOf(sampleTree()), store, options);
  const other = gatherInitrd(treeOf(new Map([...sampleTree()].reverse())), store, options);
  assert.deepEqual(other.archive, one.archive);
  assert.deepEqual(compressInitrd(other.archive), compressInitrd(one.archive));
  assert.deepEqual(zstdDecompressSync(compressInitrd(one.archive)), one.archive);
  assert.equal(one.kernelVersion, "6.12-test");
});

test("links are followed and kept, and every parent is there", () => {
  const entries = gather(sampleTree());
  assert.deepEqual(entries.get("usr/bin/sh"), { kind: "symlink", path: "usr/bin/sh", target: "dash" });
  assert.equal(textOf(entries.get("usr/bin/dash")), "#!dash\n");
  assert.deepEqual(entries.get("init"), { kind: "symlink", path: "init", target: "usr/lib/systemd/systemd" });
  for (const path of entries.keys())
    if (path.includes("/")) assert.equal(entries.get(path.slice(0, path.lastIndexOf("/")))?.kind, "directory", path);
});

test("modules come with what they need and nothing else, indexed", () => {
  const entries = gather(sampleTree());
  const modules = [...entries.keys()].filter((path) => path.endsWith(".ko"));
  assert.deepEqual(
    modules,
    ["erofs", "extra", "netfs"].map((name) => `${MODULES}/kernel/${name}.ko`.slice(1)),
  );
  assert.match(textOf(entries.get(`${MODULES}/modules.dep.bin`.slice(1))), /kernel\/erofs\.ko: kernel\/netfs\.ko/);
});

test("units come with the links among them only, and Ashlar's own are enabled", () => {
  const entries = gather(sampleTree());
  assert.ok(entries.has("usr/lib/systemd/system/sockets.target.wants/systemd-journald.socket"));
  assert.equal(entries.has("usr/lib/systemd/system/sockets.target.wants/other.socket"), false);
  assert.ok(entries.has("usr/lib/systemd/system/initrd-root-fs.target.requires/ashlar-mount.service"));
  assert.match(textOf(entries.get("usr/lib/ashlar/mount.sh")), /fsverity measure/);
});

test("nothing tells one machine from another: groups without members, a release without the image's name", () => {
  const entries = gather(sampleTree());
  assert.equal(textOf(entries.get("etc/group")), "root:x:0:\ndisk:x:6:\n");
  assert.equal(textOf(entries.get("etc/initrd-release")), 'ID=debian\nPRETTY_NAME="Debian"\n');
});

test("what is missing is named with what to do", () => {
  const without = (path: string): Map<string, TreeNode> => {
    const nodes = sampleTree();
    nodes.delete(path);
    return nodes;
  };
  assert.throws(() => gather(without("/usr/bin/fsverity")), {
    code: "E_INITRD_MISSING",
    message: /\/usr\/bin\/fsverity/,
    hint: /packages/,
  });
  assert.throws(() => gather(without("/usr/lib/systemd/system/initrd.target")), { code: "E_INITRD_MISSING", message: /initrd\.target/ });
  assert.throws(() => gather(without(`${MODULES}/modules.dep`)), { code: "E_INITRD_MISSING", message: /modules\.dep/ });
  assert.throws(() => gather(without(`${MODULES}/kernel/netfs.ko`)), { code: "E_INITRD_MISSING", message: /netfs\.ko/ });
  assert.throws(() => gather(without(`${MODULES}/vmlinuz`)), { code: "E_BOOT_NO_KERNEL", hint: /kernel\.package/ });
  const two = sampleTree();
  two.set("/usr/lib/modules/6.13-test/vmlinuz", two.get(`${MODULES}/vmlinuz`) as TreeNode);
  assert.throws(() => gather(two), { code: "E_BOOT_SEVERAL_KERNELS", message: /6\.12-test, 6\.13-test/ });
});
