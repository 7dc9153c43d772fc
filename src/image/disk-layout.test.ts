import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { GPT_TAIL, writeGpt } from "#formats/gpt.ts";
import type { ObjectId } from "#store/object.ts";
import { ESP_SIZE, MIB, contentSize, diskUuid, layoutDisk } from "./disk-layout.ts";

const objects = [{ object: "a".repeat(64) as ObjectId, size: 300 * MIB }];

void test("without a size there are 2 GiB more than the content", () => {
  const { root, gpt } = layoutDisk({ digest: "d", objects, size: undefined });
  assert.ok(root.size > contentSize(objects) + 2048 * MIB);
  assert.ok(gpt.diskSize < contentSize(objects) + 2400 * MIB + ESP_SIZE);
});

void test("a disk that is too small is refused with the size that is enough", () => {
  assert.throws(
    () => layoutDisk({ digest: "d", objects, size: 700 * MIB }),
    (error: unknown) => {
      const { code, details, hint } = error as { code: string; details: { needed: number }; hint: string };
      assert.equal(code, "E_DISK_TOO_SMALL");
      assert.match(hint, /^ashlar disk --size \d+M$/);
      layoutDisk({ digest: "d", objects, size: details.needed });
      assert.throws(() => layoutDisk({ digest: "d", objects, size: details.needed - 1 }));
      return true;
    },
  );
});

void test("many small objects need a disk with inodes for all", () => {
  const many = Array.from({ length: 100_000 }, (_, index) => ({ object: index.toString(16).padStart(64, "0") as ObjectId, size: 65 }));
  const { root } = layoutDisk({ digest: "d", objects: many, size: undefined });
  assert.ok(root.size / 16384 > 100_000 + 2048 * 64);
});

void test("any size gives aligned partitions that fit, and identifiers that only the image decides", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1024 * MIB, max: 2 ** 42 }), (size) => {
      const { gpt, esp, root } = layoutDisk({ digest: "d", objects, size });
      assert.ok(gpt.diskSize <= size && gpt.diskSize > size - MIB);
      for (const { start, size } of [esp, root]) assert.equal((start % MIB) + (size % MIB), 0);
      assert.ok(root.start + root.size <= gpt.diskSize - GPT_TAIL);
      assert.deepEqual([gpt.guid, esp.guid, root.guid], [diskUuid("d", "disk"), diskUuid("d", "esp"), diskUuid("d", "root")]);
      writeGpt(gpt);
    }),
  );
});

void test("an identifier is a version 8 UUID that depends on image and purpose", () => {
  assert.match(diskUuid("d", "esp"), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(new Set([diskUuid("d", "esp"), diskUuid("d", "root"), diskUuid("e", "esp")]).size, 3);
});
