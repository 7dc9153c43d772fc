/** Power cuts on a recorded machine: old or new starts, whole, and nobody loses a file. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openRecording } from "../faults/recording.ts";
import { powerCutRows } from "../faults/table.ts";

const STATES = 200;

test("a machine survives 200 power cuts, and every order of the writes to its ESP", async (t) => {
  const rows = await powerCutRows(await openRecording(), { count: STATES, seed: 1 }, (what) => t.diagnostic(what));
  assert.ok(rows.reduce((sum, { tried }) => sum + tried, 0) >= STATES);
  for (const { fault, tried, problems } of rows) {
    assert.ok(tried > 0, `nothing was tried of ${fault}`);
    assert.deepEqual(problems.slice(0, 3), [], fault);
  }
});
