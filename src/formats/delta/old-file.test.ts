import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { noise } from "../../../test/support/release-fixture.ts";
import { fileOf, squeezed } from "./old-file.ts";

void test("parts of a file are read as one, also squeezed, in whatever order", () => {
  const parts = [noise(1, 3_000_000), Buffer.alloc(0), Buffer.alloc(200_000, "ab"), noise(2, 77)];
  const whole = Buffer.concat(parts);
  const place = fc.integer({ min: 0, max: whole.length });
  const [plain, small] = [fileOf(parts), squeezed(parts)];
  assert.deepEqual([plain.size, small.size], [whole.length, whole.length]);
  fc.assert(
    fc.property(place, place, (one, other) => {
      const [start, end] = [Math.min(one, other), Math.max(one, other)];
      for (const file of [plain, small]) {
        const bytes = Buffer.alloc(Math.min(end - start, 400_000));
        file.read(start, bytes);
        assert.ok(bytes.equals(whole.subarray(start, start + bytes.length)));
      }
    }),
  );
});
