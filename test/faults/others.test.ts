/** Damage, disks that are full or read-only, and wrong clocks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { otherRows } from "./table.ts";

test("a machine with one thing wrong says it, runs on, and goes back", async () => {
  for (const { fault, problems } of await otherRows()) assert.deepEqual(problems, [], fault);
});
