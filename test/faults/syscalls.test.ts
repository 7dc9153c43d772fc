/** A seventh of the system calls of each command fails, or is the last one before the program is killed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { syscallRows } from "./table.ts";

test("upgrade, activate, rollback and collect survive system calls that fail and kills before them", async (t) => {
  const rows = await syscallRows({ share: 7, offset: 1 }, (what) => t.diagnostic(what));
  assert.ok(rows.reduce((sum, { tried }) => sum + tried, 0) > 50);
  for (const { fault, problems } of rows) assert.deepEqual(problems.slice(0, 3), [], fault);
});
