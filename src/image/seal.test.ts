import assert from "node:assert/strict";
import { test } from "node:test";
import { objectsOfImage } from "#formats/erofs/reader.ts";
import { verityDigest } from "#formats/fsverity.ts";
import type { Tree } from "#tree/tree.ts";
import { memoryStore } from "../../test/support/memory-store.ts";
import { sealTree } from "./seal.ts";

test("a sealed tree is an object whose digest is the kernel's, and it names the objects of the tree", () => {
  const store = memoryStore();
  const program = Buffer.alloc(70_000, "program");
  const object = store.add(program);
  const owner = { mode: 0o755, uid: 0, gid: 0 };
  const tree: Tree = {
    mtime: 1_700_000_000,
    nodes: new Map([
      ["/", { ...owner, kind: "directory" }],
      ["/program", { ...owner, kind: "file", content: { object, size: program.length } }],
    ]),
  };
  const image = sealTree(tree, store);
  assert.equal(image, verityDigest(store.read(image)));
  assert.deepEqual(objectsOfImage(store.read(image)), [{ object, size: program.length }]);
  assert.equal(sealTree(tree, store), image);
});
