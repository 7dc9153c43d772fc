import assert from "node:assert/strict";
import { test } from "node:test";
import { compareBytes } from "#formats/bytes.ts";
import { parseObjectId } from "#store/object.ts";
import { dumpText, parseTree, renderDump } from "./dump.ts";
import type { Tree, TreeNode } from "./tree.ts";

const OBJECT = parseObjectId("ab".repeat(32))!;
const OWNER = { mode: 0o755, uid: 0, gid: 0 };

const NODES: readonly (readonly [string, TreeNode])[] = [
  ["/usr/bin/z", { kind: "hardlink", target: "/usr/bin/a" }],
  [
    "/usr/bin/a",
    { ...OWNER, mode: 0o4755, kind: "file", content: { object: OBJECT, size: 1234 }, xattrs: new Map([["security.capability", "\x01\0"]]) },
  ],
  ["/usr/bin", { ...OWNER, kind: "directory" }],
  ["/usr", { ...OWNER, kind: "directory" }],
  ["/", { ...OWNER, kind: "directory" }],
  ["/usr-merge", { ...OWNER, kind: "file", content: { inline: Buffer.from("-") } }],
  ["/empty", { ...OWNER, uid: 33, kind: "file", content: { inline: Buffer.alloc(0) } }],
  ["/bin", { ...OWNER, mode: 0o777, kind: "symlink", target: "usr/bin" }],
  ["/null", { ...OWNER, kind: "character", major: 1, minor: 3 }],
  ["/disk", { ...OWNER, kind: "block", major: 259, minor: 300 }],
  ["/pipe", { ...OWNER, kind: "fifo" }],
  ["/sock", { ...OWNER, kind: "socket" }],
  ["/caf\xc3\xa9 =", { ...OWNER, kind: "directory" }],
];
const TREE: Tree = { mtime: 1_700_000_000, nodes: new Map(NODES) };

test("a dump has the byte order of paths, so folders come before what they hold", () => {
  const paths = renderDump(TREE).map((entry) => entry.path);
  assert.deepEqual(paths, [...paths].sort(compareBytes));
  assert.ok(paths.indexOf("/usr") < paths.indexOf("/usr-merge") && paths.indexOf("/usr-merge") < paths.indexOf("/usr/bin"));
});

test("a file counts its hard links, and its object is named by its digest", () => {
  const file = renderDump(TREE).find((entry) => entry.path === "/usr/bin/a");
  assert.ok(file !== undefined && file.hardlink === undefined);
  assert.equal(file.nlink, 2);
  assert.equal(file.payload, `ab/${"ab".repeat(31)}`);
  assert.equal(file.digest, OBJECT);
});

test("a tree survives being text", () => {
  const parsed = parseTree(dumpText(TREE));
  assert.equal(parsed.mtime, TREE.mtime);
  assert.deepEqual(byPath(parsed), byPath(TREE));
});

test("the order of insertion does not change the text", () => {
  assert.equal(dumpText({ ...TREE, nodes: new Map([...NODES].reverse()) }), dumpText(TREE));
});

test("a dump that is not of a tree is refused", () => {
  const root = "/ 0 40755 1 0 0 0 7.0 - - -\n";
  for (const text of ["", `${root}${root}`, `${root}/a 0 100644 1 0 0 0 8.0 - - -\n`, `${root}/a 9 100644 1 0 0 0 7.0 - - -\n`])
    assert.throws(() => parseTree(text), { code: "E_TREE_DUMP" });
});

function byPath(tree: Tree): Map<string, TreeNode> {
  return new Map([...tree.nodes].sort(([a], [b]) => compareBytes(a, b)));
}
