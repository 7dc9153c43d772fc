import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { System } from "#config/system.ts";
import { SYSTEM } from "../../test/support/lock-fixture.ts";
import { reversibility } from "./reversibility.ts";
import { statePaths } from "./paths.ts";
import { writeSchema } from "./schemas.ts";

const sysroot = mkdtempSync(join(tmpdir(), "ashlar-reversibility-"));
after(() => rmSync(sysroot, { recursive: true }));

const withState = (state: Partial<System["state"]>): System => ({ ...SYSTEM, state: { ...SYSTEM.state, ...state } });
const database = (version: number, snapshot = true): System =>
  withState({ schemas: { "db.service": { paths: ["/var/lib/db"], version, snapshot } } });

test("the same data, or none, is reversible", () => {
  assert.deepEqual(reversibility(SYSTEM, SYSTEM), { reversibility: "reversible", reasons: [] });
  assert.deepEqual(reversibility(database(2), database(2)), { reversibility: "reversible", reasons: [] });
});

test("a newer version is reversible until it writes, or never when nothing is copied", () => {
  assert.equal(reversibility(database(1), database(2)).reversibility, "reversible-until-first-write");
  const oneWay = reversibility(database(1), database(2, false));
  assert.equal(oneWay.reversibility, "one-way");
  assert.match(oneWay.reasons[0] ?? "", /^db\.service: its data goes from version 1 to 2/);
});

test("an older version is one-way: it cannot read the data", () => {
  assert.equal(reversibility(database(2), database(1)).reversibility, "one-way");
});

test("what the machine's data is counts, not what the running System says", () => {
  writeSchema({ sysroot }, "db.service", { version: 2, generation: 4 });
  assert.equal(reversibility(database(1), database(2), { sysroot }).reversibility, "reversible");
  assert.equal(reversibility(database(1), database(1), { sysroot }).reversibility, "one-way");
});

test("a /var that begins anew can be had back only while its trees are kept", () => {
  assert.equal(reversibility(SYSTEM, withState({ varMode: "ephemeral" })).reversibility, "reversible-until-first-write");
  assert.equal(reversibility(SYSTEM, withState({ varMode: "ephemeral", wiped: 0 })).reversibility, "one-way");
});

test("a damaged list of versions is said, not taken for an empty one", () => {
  writeFileSync(statePaths({ sysroot }).schemas, "{");
  assert.throws(() => reversibility(SYSTEM, SYSTEM, { sysroot }), { code: "E_STATE_UNREADABLE", message: /schemas\.json/ });
});
