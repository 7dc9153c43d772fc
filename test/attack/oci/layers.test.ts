/** What the content of a layer can try: nothing of it may reach the host, and no tree may come of it. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { TarEntry } from "#formats/tar/entry.ts";
import { writeTar } from "#formats/tar/writer.ts";
import { addBlob, addToIndex, createLayout, layoutRepository } from "#registry/oci/layout.ts";
import { MEDIA } from "#registry/oci/manifest.ts";
import { treeOfLayers } from "#registry/oci/tree.ts";
import { silentReporter } from "#report/reporter.ts";
import type { Store } from "#store/store.ts";
import type { Tree } from "#tree/tree.ts";
import { openTestStore, scratch } from "../../support/release-fixture.ts";
import { sealHeader } from "../../support/tar-seal.ts";

const place = scratch();
const layout = join(place.path, "layout");
let store: Store;
before(async () => {
  store = await openTestStore(join(place.path, "store"));
  createLayout(layout);
  addToIndex(layout, []);
});
after(async () => {
  await store.close();
  place[Symbol.dispose]();
});

const attributes = { mode: 0o644, uid: 0, gid: 0, mtime: 0, xattrs: new Map<string, string>() };
const file = (path: string, text = "x".repeat(100), more: Partial<TarEntry> = {}): TarEntry =>
  ({ ...attributes, path, type: "file", content: Buffer.from(text), ...more }) as TarEntry;
const folder = (path: string): TarEntry => ({ ...attributes, path, type: "directory", mode: 0o755 });
const symlink = (path: string, target: string): TarEntry => ({ ...attributes, path, type: "symlink", target });
const hardlink = (path: string, target: string): TarEntry => ({ ...attributes, path, type: "hardlink", target });
const node = (type: "character" | "block"): TarEntry => ({ ...attributes, path: "/node", type, major: 0, minor: 0 });
const xattr = (name: string, value = "v"): TarEntry => file("/f", undefined, { xattrs: new Map([[name, value]]) });

function apply(...tars: readonly Buffer[]): Promise<Tree> {
  const layers = tars.map((tar) => {
    const descriptor = addBlob(layout, tar, MEDIA.layer);
    return { descriptor, diffId: descriptor.digest };
  });
  return silentReporter.step("import", (step) => treeOfLayers(layoutRepository(layout), layers, { mtime: 0, store, step }));
}

/** The writer puts "." in front of names: here they are what the attacker wrote. */
function renamed(tar: Buffer, from: string, to: string): Buffer {
  const altered = Buffer.from(tar);
  const block = altered.subarray(0, 512);
  assert.equal(block.toString("latin1", 0, from.length), from);
  block.fill(0, 0, 100).write(to, 0, "latin1");
  sealHeader(block);
  return altered;
}

const attacks: readonly [what: string, layers: readonly Buffer[], code: string][] = [
  ["an absolute name", [renamed(writeTar([file("/f")]), "./f", "/etc/passwd")], "E_TAR_PATH"],
  ["a name with ..", [renamed(writeTar([file("/f")]), "./f", "../../etc/passwd")], "E_TAR_PATH"],
  ["a name with .. in the middle", [renamed(writeTar([file("/f")]), "./f", "./a/./..//../etc/passwd")], "E_TAR_PATH"],
  ["a file through a symbolic link", [writeTar([symlink("/a", "/etc"), file("/a/passwd")])], "E_TAR_LINK_TRAVERSAL"],
  [
    "a file through a symbolic link of a layer below",
    [writeTar([symlink("/a", "/etc")]), writeTar([file("/a/passwd")])],
    "E_TAR_LINK_TRAVERSAL",
  ],
  ["a folder in place of a symbolic link", [writeTar([symlink("/a", "/etc"), folder("/a")])], "E_TAR_TYPE_CHANGE"],
  ["a hard link to nothing", [writeTar([hardlink("/a", "/etc/shadow")])], "E_TAR_HARDLINK"],
  ["a hard link into a layer below", [writeTar([file("/b")]), writeTar([hardlink("/a", "/b")])], "E_TAR_HARDLINK"],
  ["a hard link to itself", [writeTar([hardlink("/a", "/a")])], "E_TAR_HARDLINK"],
  ["a character device 0:0, overlayfs's own removal", [writeTar([node("character")])], "E_TAR_SPECIAL"],
  ["a block device", [writeTar([node("block")])], "E_TAR_SPECIAL"],
  ["a FIFO", [writeTar([{ ...attributes, path: "/fifo", type: "fifo" }])], "E_TAR_SPECIAL"],
  ["a redirect of overlayfs", [writeTar([xattr("trusted.overlay.redirect", "/etc/shadow")])], "E_XATTR_FORBIDDEN"],
  ["another content by metacopy", [writeTar([xattr("user.overlay.metacopy", "")])], "E_XATTR_FORBIDDEN"],
  ["an attribute of 70,000 bytes", [writeTar([xattr("user.a", "v".repeat(70_000))])], "E_XATTR_FORBIDDEN"],
  ["the same file twice", [writeTar([file("/a"), file("/a", "other")])], "E_TAR_TYPE_CHANGE"],
  ["removal of nothing", [writeTar([file("/.wh.")])], "E_OCI_LAYER"],
  ["removal of ..", [writeTar([file("/a/.wh...")])], "E_OCI_LAYER"],
  ["removal of a removal", [writeTar([file("/.wh..wh.x")])], "E_OCI_LAYER"],
  ["an archive without its end", [writeTar([file("/a")]).subarray(0, 700)], "E_TAR_TRUNCATED"],
  ["something after the end", [Buffer.concat([writeTar([]), writeTar([file("/a")])])], "E_TAR_SYNTAX"],
];
for (const [what, layers, code] of attacks)
  void test(`${what}: ${code}`, async () => {
    await assert.rejects(apply(...layers), { code });
    assert.ok(!existsSync(join(place.path, "etc")) && !existsSync(join(layout, "etc")));
  });

void test("removals apply to layers below and not to the layer that they are in", async () => {
  const below = writeTar([folder("/a"), file("/a/old"), folder("/b"), file("/b/old"), file("/c")]);
  const above = writeTar([file("/.wh.c", ""), file("/c"), file("/a/.wh.old", ""), file("/b/new"), file("/b/.wh..wh..opq", "")]);
  const tree = await apply(below, above);
  assert.deepEqual([...tree.nodes.keys()].sort(), ["/", "/a", "/b", "/b/new", "/c"]);
});

void test("a file in place of a folder of a layer below takes what was in it along", async () => {
  const tree = await apply(writeTar([folder("/a"), file("/a/inside")]), writeTar([file("/a")]));
  assert.deepEqual([...tree.nodes.keys()].sort(), ["/", "/a"]);
});

void test("names of one file stay one file, under the smallest", async () => {
  const tree = await apply(writeTar([file("/z"), hardlink("/m", "/z"), hardlink("/b", "/m")]));
  assert.equal(tree.nodes.get("/b")?.kind, "file");
  assert.deepEqual(
    [tree.nodes.get("/m"), tree.nodes.get("/z")],
    [
      { kind: "hardlink", target: "/b" },
      { kind: "hardlink", target: "/b" },
    ],
  );
});
