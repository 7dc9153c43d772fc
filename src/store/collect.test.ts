import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as fc from "fast-check";
import { collect } from "./collect.ts";
import { fsck } from "./fsck.ts";
import { listObjects } from "./layout.ts";
import type { ObjectId } from "./object.ts";
import { openStore } from "./open.ts";
import type { Store } from "./store.ts";

const folder = mkdtempSync(join(tmpdir(), "ashlar-collect-"));
after(() => rmSync(folder, { recursive: true }));
let count = 0;
const newStore = (): Promise<Store> => openStore(join(folder, `${++count}`), { workers: 0 });
const damage = (store: Store, object: ObjectId): void => {
  chmodSync(store.pathOf(object), 0o644);
  writeFileSync(store.pathOf(object), "other");
};

test("collection keeps exactly what the roots need", async () => {
  const store = await newStore();
  const images = fc.uniqueArray(fc.record({ id: fc.nat(9), needs: fc.array(fc.nat(12)), root: fc.boolean() }), {
    selector: ({ id }) => id,
    minLength: 1,
  });
  await fc.assert(
    fc.asyncProperty(images, fc.array(fc.nat(12)), async (model, loose) => {
      const object = (number: number): ObjectId => store.add(Buffer.from(`object ${number}`));
      const graph = new Map(model.map(({ id, needs }) => [store.add(Buffer.from(`image ${id}`)), needs.map(object)]));
      for (const image of graph.keys()) store.addImage(image);
      loose.forEach(object);
      const roots = [...graph.keys()].filter((_, at) => model[at]?.root);
      const expected = new Set(roots.flatMap((root) => [root, ...(graph.get(root) ?? [])]));
      const before = listObjects(store.root).ids;
      const options = { roots, references: (root: ObjectId) => graph.get(root) ?? [] };
      if (roots.length === 0) {
        await assert.rejects(collect(store, options), { code: "E_STORE_NO_ROOTS" });
        assert.deepEqual(listObjects(store.root).ids, before);
        return;
      }
      const dry = await collect(store, { ...options, dryRun: true });
      assert.deepEqual(listObjects(store.root).ids, before);
      const real = await collect(store, options);
      assert.deepEqual(real, dry);
      assert.equal(real.removed, before.length - expected.size);
      assert.deepEqual(listObjects(store.root).ids, [...expected].sort());
      assert.deepEqual(readdirSync(join(store.root, "images")).sort(), [...graph.keys()].filter((image) => expected.has(image)).sort());
    }),
    { numRuns: 25 },
  );
  await store.close();
});

test("a root that is not there, or that cannot be read, stops the collection before anything is removed", async () => {
  const store = await newStore();
  const kept = store.add(Buffer.from("garbage"));
  const root = store.add(Buffer.from("root"));
  const absent = "0".repeat(64) as ObjectId;
  await assert.rejects(collect(store, { roots: [root, absent] }), { code: "E_STORE_BAD_ROOT", message: new RegExp(absent) });
  const references = (): ObjectId[] => {
    throw new Error("not an image");
  };
  await assert.rejects(collect(store, { roots: [root], references }), {
    code: "E_STORE_BAD_ROOT",
    message: /not an image/,
  });
  assert.equal(store.has(kept), true);
  await store.close();
});

test("others who have the store open block collection, and the roots are not even read", async () => {
  const store = await newStore();
  const other = await openStore(store.root);
  const roots = { [Symbol.iterator]: (): Iterator<ObjectId> => assert.fail("read without the lock") };
  await assert.rejects(collect(store, { roots }), { code: "E_STORE_BUSY", hint: /running builds/ });
  await other.close();
  await store.close();
});

test("a sound store has no problems", async () => {
  const store = await newStore();
  const image = store.add(Buffer.from("image"));
  store.add(Buffer.from("content"));
  store.addImage(image);
  assert.deepEqual(await fsck(store), { objects: 2, bytes: 12, images: 1, problems: [], repaired: 0 });
  await store.close();
});

test("every kind of damage is named with its path, and repair takes away what only harms", async () => {
  const store = await newStore();
  const [image, corrupt, short, gone, sound] = ["image", "corrupt", "short", "gone", "sound"].map((text) =>
    store.add(Buffer.from(text)),
  ) as [ObjectId, ObjectId, ObjectId, ObjectId, ObjectId];
  store.addImage(image);
  store.addImage(sound);
  store.addImage(gone);
  damage(store, corrupt);
  chmodSync(store.pathOf(short), 0o644);
  truncateSync(store.pathOf(short), 2);
  rmSync(store.pathOf(gone));
  writeFileSync(join(store.root, "objects", "README"), "");
  writeFileSync(join(store.root, "images", "README"), "");
  const references = (root: ObjectId): ObjectId[] => {
    if (root === sound) throw new Error("bad magic");
    return [corrupt, gone];
  };
  const report = await fsck(store, { references });
  assert.deepEqual(
    report.problems.map((problem) => `${problem.kind} ${"object" in problem ? problem.object : ""} ${problem.path}`).sort(),
    [
      `corrupt ${corrupt} ${store.pathOf(corrupt)}`,
      `corrupt ${short} ${store.pathOf(short)}`,
      `missing ${gone} ${store.pathOf(gone)}`,
      `missing ${gone} ${join(store.root, "images", gone)}`,
      `image ${sound} ${join(store.root, "images", sound)}`,
      `stray  ${join(store.root, "objects", "README")}`,
      `stray  ${join(store.root, "images", "README")}`,
    ].sort(),
  );
  assert.equal(report.repaired, 0);

  assert.equal((await fsck(store, { references, repair: true })).repaired, 5);
  assert.equal(existsSync(store.pathOf(corrupt)), false);
  // What is missing stays reported until it is fetched again.
  assert.deepEqual((await fsck(store, { references })).problems.map(({ kind }) => kind).sort(), ["image", "missing", "missing"]);
  store.add(Buffer.from("corrupt"));
  store.add(Buffer.from("gone"));
  assert.deepEqual((await fsck(store, { references: () => [corrupt, gone] })).problems, []);
  await store.close();
});
