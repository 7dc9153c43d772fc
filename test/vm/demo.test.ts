/** README's first command. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { demo } from "#pipeline";
import { silentReporter } from "#report/reporter.ts";
import { openWorkspace } from "#workspace";

void test("the demo builds, boots, upgrades and rolls back a machine, which is then as before", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "ashlar-demo-"));
  try {
    const { digests, statuses, fetched, seconds } = await demo({ folder }, { workspace: openWorkspace(), report: silentReporter });
    context.diagnostic(JSON.stringify(seconds));
    assert.match(digests.first, /^[0-9a-f]{64}$/);
    assert.equal(digests.afterRollback, digests.first);
    assert.notEqual(digests.second, digests.first);
    assert.ok(fetched > 0 && fetched < 16 * 2 ** 20, `the upgrade fetched ${fetched} bytes; an image has hundreds of megabytes`);
    const [first = "", upgraded = "", rolledBack = ""] = statuses;
    assert.match(first, /^web: runs generation 1\b.*\n/);
    assert.match(upgraded, /^web: runs generation 2\b/);
    assert.match(rolledBack, /^web: runs generation 1\b/);
    for (const [status, generations] of [
      [first, ["1"]],
      [upgraded, ["2", "1"]],
      [rolledBack, ["2", "1"]],
    ] as const)
      assert.deepEqual(
        [...status.matchAll(/^ +(\d+) {2}[0-9a-f]{12} /gm)].map(([, number]) => number),
        generations,
        status,
      );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
