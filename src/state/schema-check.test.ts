import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { SYSTEM } from "../../test/support/lock-fixture.ts";
import { prepareReturn } from "./rollback.ts";
import { checkSchema } from "./schema-check.ts";
import type { SchemaOutcome } from "./schema-check.ts";
import { readSchemas } from "./schemas.ts";
import { listSnapshots, pruneSnapshots } from "./snapshots.ts";

const UNIT = "db.service";
let sysroot: string;
beforeEach(() => {
  sysroot = mkdtempSync(join(tmpdir(), "ashlar-schema-"));
  mkdirSync(join(sysroot, "state"));
});
afterEach(() => rmSync(sysroot, { recursive: true }));

const schema = (version: number, snapshot = true) => ({ paths: ["/var/lib/db", "/srv/db"], version, snapshot });
const systemWith = (version: number) => ({ ...SYSTEM, state: { ...SYSTEM.state, schemas: { [UNIT]: schema(version) } } });
const start = (version: number, generation: number, options: { wasGood?: boolean; snapshot?: boolean } = {}): Promise<SchemaOutcome> =>
  checkSchema(UNIT, schema(version, options.snapshot), {
    machine: { sysroot },
    generation,
    wasGood: () => options.wasGood ?? true,
    now: 1_700_000_000,
  });
const write = (text: string): void => {
  for (const path of ["var/lib/db/table", "srv/db/blob"]) {
    mkdirSync(dirname(join(sysroot, "state", path)), { recursive: true });
    writeFileSync(join(sysroot, "state", path), text);
  }
};
const data = (): string[] => ["var/lib/db/table", "srv/db/blob"].map((path) => readFileSync(join(sysroot, "state", path), "utf8"));

test("a service without data starts, and the same version starts again without a word", async () => {
  assert.deepEqual(await start(1, 1), { outcome: "first" });
  assert.deepEqual(await start(1, 2), { outcome: "same" });
  assert.deepEqual(readSchemas({ sysroot }), { [UNIT]: { version: 1, generation: 1 } });
});

test("a newer version gets a copy of all paths, once", async () => {
  write("one");
  assert.equal((await start(1, 1)).outcome, "snapshotted", "data that was there before it had a version");
  assert.deepEqual(await start(2, 4), { outcome: "snapshotted", from: 1, snapshot: 2, bytes: listSnapshots({ sysroot })[1]?.bytes });
  assert.equal((await start(2, 4)).outcome, "same");
  const snapshot = listSnapshots({ sysroot })[1];
  assert.deepEqual([snapshot?.kind, snapshot?.schema, snapshot?.generation], ["older", 1, 4]);
  assert.equal(readFileSync(join(snapshot?.folder ?? "", "data/1/blob"), "utf8"), "one");
});

test("snapshot: false raises the version without a copy", async () => {
  write("one");
  await start(1, 1, { snapshot: false });
  assert.deepEqual(await start(2, 2, { snapshot: false }), { outcome: "raised", from: 1 });
  assert.deepEqual(listSnapshots({ sysroot }), []);
});

test("newer data stops an older service, and changes nothing", async () => {
  await start(1, 1);
  write("one");
  await start(2, 2);
  write("two");
  await assert.rejects(start(1, 1), { code: "E_STATE_TOO_NEW", hint: /--restore-state.*--keep-state/ });
  assert.deepEqual(data(), ["two", "two"]);
  assert.throws(() => prepareReturn({ sysroot }, systemWith(1)), { code: "E_STATE_TOO_NEW" });
  assert.equal(readSchemas({ sysroot })[UNIT]?.restore, undefined);
});

test("a rollback with --restore-state puts the copy back and sets aside what was written since", async () => {
  await start(1, 1);
  write("one");
  await start(2, 2);
  write("two");
  assert.deepEqual(prepareReturn({ sysroot }, systemWith(1), "restore"), [{ unit: UNIT, from: 2, to: 1, choice: "restore" }]);
  assert.deepEqual(await start(1, 1), { outcome: "restored", from: 2, snapshot: 1, because: "asked" });
  assert.deepEqual(data(), ["one", "one"]);
  const aside = listSnapshots({ sysroot }).find(({ kind }) => kind === "newer");
  assert.equal(readFileSync(join(aside?.folder ?? "", "data/0/table"), "utf8"), "two");
  assert.deepEqual(readSchemas({ sysroot }), { [UNIT]: { version: 1, generation: 1 } });
});

test("a restore that was cut between its paths goes on", async () => {
  await start(1, 1);
  write("one");
  await start(2, 2);
  write("two");
  prepareReturn({ sysroot }, systemWith(1), "restore");
  // The first path is renamed and copied, the second only renamed.
  const replaced = join(sysroot, "state/snapshots", UNIT, ".replaced/data");
  mkdirSync(join(replaced, "0"), { recursive: true });
  writeFileSync(join(replaced, "0/table"), "two");
  writeFileSync(join(sysroot, "state/var/lib/db/table"), "one");
  mkdirSync(join(replaced, "1"));
  writeFileSync(join(replaced, "1/blob"), "two");
  rmSync(join(sysroot, "state/srv/db"), { recursive: true });
  assert.equal((await start(1, 1)).outcome, "restored");
  assert.deepEqual(data(), ["one", "one"]);
  const aside = listSnapshots({ sysroot }).find(({ kind }) => kind === "newer");
  assert.deepEqual(
    [0, 1].map((index) => readFileSync(join(aside?.folder ?? "", `data/${index}/${index === 0 ? "table" : "blob"}`), "utf8")),
    ["two", "two"],
  );
});

test("--keep-state starts on the data as it is; a note that came to nothing is void", async () => {
  await start(1, 1);
  write("one");
  await start(2, 2);
  prepareReturn({ sysroot }, systemWith(1), "keep");
  prepareReturn({ sysroot }, systemWith(2));
  await assert.rejects(start(1, 1), { code: "E_STATE_TOO_NEW" });
  prepareReturn({ sysroot }, systemWith(1), "keep");
  assert.deepEqual(await start(1, 1), { outcome: "accepted" });
  assert.deepEqual(data(), ["one", "one"]);
});

test("what a generation wrote whose trial failed goes with it", async () => {
  await start(1, 1);
  write("one");
  await start(2, 2);
  write("two");
  assert.deepEqual(await start(1, 1, { wasGood: false }), { outcome: "restored", from: 2, snapshot: 1, because: "trial failed" });
  assert.deepEqual(data(), ["one", "one"]);
});

test("without a copy that it could read, --restore-state is refused and changes nothing", async () => {
  await start(3, 1);
  assert.throws(() => prepareReturn({ sysroot }, systemWith(1), "restore"), { code: "E_STATE_NONE" });
});

test("copies go when no generation is left that could need them, unfinished ones when the next is made", async () => {
  await start(1, 1);
  write("one");
  await start(2, 3);
  assert.equal(pruneSnapshots({ sysroot }, [2, 3]), 0);
  assert.ok(pruneSnapshots({ sysroot }, [3, 4]) > 0);
  assert.deepEqual(listSnapshots({ sysroot }), []);
  mkdirSync(join(sysroot, "state/snapshots", UNIT, ".new/data/0"), { recursive: true });
  await start(3, 4);
  assert.deepEqual(readdirSync(join(sysroot, "state/snapshots", UNIT)), ["000001"]);
  assert.equal(existsSync(join(sysroot, "state/snapshots", UNIT, "000001/data/0/table")), true);
});
