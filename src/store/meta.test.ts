import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openStore } from "./open.ts";

const folder = mkdtempSync(join(tmpdir(), "ashlar-meta-"));
after(() => rmSync(folder, { recursive: true }));
const OBJECT_NAMES = "fsverity-sha256-4096";
let count = 0;

function storeWith(meta: string): string {
  const root = join(folder, `${++count}`);
  mkdirSync(join(root, "objects"), { recursive: true });
  writeFileSync(join(root, "meta.json"), meta);
  return root;
}
const described = (change: object): string =>
  storeWith(JSON.stringify({ version: 1, compatible: [], readOnly: [], incompatible: [OBJECT_NAMES], ...change }));

test("a new store describes itself as docs/formats/store.md says", async () => {
  const root = join(folder, "new");
  await (await openStore(root)).close();
  const meta = readFileSync(join(root, "meta.json"), "utf8");
  assert.deepEqual(JSON.parse(meta), { version: 1, compatible: [], readOnly: [], incompatible: [OBJECT_NAMES] });
  const page = readFileSync(new URL("../../docs/formats/store.md", import.meta.url), "utf8");
  assert.ok(page.includes(meta.trim()), "the page shows the file byte for byte");
});

test("unknown compatible features do not matter", async () => {
  const store = await openStore(described({ compatible: ["new-thing"] }));
  assert.equal(store.has(store.add(Buffer.from("x"))), true);
  await store.close();
});

test("a store with an unknown read-only feature can be read and not written", async () => {
  const store = await openStore(described({ readOnly: ["new-thing"] }));
  assert.throws(() => store.add(Buffer.from("x")), { code: "E_STORE_READ_ONLY" });
  await store.close();
});

for (const [what, change] of [
  ["another version", { version: 2 }],
  ["an unknown incompatible feature", { incompatible: [OBJECT_NAMES, "new-thing"] }],
  ["other object names", { incompatible: [] }],
] as const)
  test(`a store with ${what} is left alone`, async () => {
    await assert.rejects(openStore(described(change)), { code: "E_STORE_INCOMPATIBLE", hint: /newer/ });
  });

for (const [what, meta, message] of [
  ["is empty", "", /Unexpected end/],
  ["is a list", "[]", /`version` is no number/],
  ["is null", "null", /no JSON object/],
  [
    "has features that are no list",
    JSON.stringify({ version: 1, compatible: {}, readOnly: [], incompatible: [] }),
    /`compatible` is no list/,
  ],
  ["is huge", " ".repeat(70_000), /more than 65536 characters/],
] as const)
  test(`a meta.json that ${what} is named with its path`, async () => {
    await assert.rejects(openStore(storeWith(meta)), (error: Error) => message.test(error.message) && error.message.includes("meta.json"));
  });

test("a folder with objects and without meta.json is not taken for a store", async () => {
  const root = join(folder, "other");
  mkdirSync(join(root, "objects"), { recursive: true });
  await assert.rejects(openStore(root), { code: "E_STORE_META", message: /no meta\.json/ });
});
