/** Power cuts on a recorded machine: old or new starts, whole, and nobody loses a file. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openRecording } from "./recording.ts";
import { powerCutRows } from "./table.ts";

/** Registers the test. @param states at least so many, besides every order of the writes to the ESP */
export function survivesPowerCuts(states: number): void {
  void test(`a machine survives ${states} power cuts, and every order of the writes to its ESP`, async (t) => {
    const rows = await powerCutRows(await openRecording(), { count: states, seed: 1 }, (what) => t.diagnostic(what));
    assert.ok(rows.reduce((sum, { tried }) => sum + tried, 0) >= states);
    for (const { fault, tried, problems } of rows) {
      assert.ok(tried > 0, `nothing was tried of ${fault}`);
      assert.deepEqual(problems.slice(0, 3), [], fault);
    }
  });
}
