import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { nextEntry, sortEntries } from "./order.ts";
import type { OrderedEntry } from "./order.ts";

/** Each rule of the order by an example: the first one starts. */
const RULES: readonly { readonly why: string; readonly order: readonly OrderedEntry[] }[] = [
  {
    why: "an entry without tries is last, even with the highest version",
    order: [ours(3, { left: 1, done: 2 }), ours(1), ours(9, { left: 0, done: 3 })],
  },
  { why: "entries with a sort-key come before those without", order: [ours(1), { id: "zzz" }, { id: "aaa" }] },
  { why: "sort-keys rise", order: [{ id: "a", sortKey: "aaa", version: "1" }, ours(5)] },
  {
    why: "machine ids rise",
    order: [
      { id: "a", sortKey: "k", machineId: "1", version: "1" },
      { id: "b", sortKey: "k", machineId: "2", version: "2" },
    ],
  },
  { why: "versions fall", order: [ours(10), ours(9), ours(2)] },
  {
    why: "ids fall when versions are equal",
    order: [
      { ...ours(2), version: "7" },
      { ...ours(1), version: "7" },
    ],
  },
  {
    why: "of the same id the one with more tries left, then with fewer done, is first",
    order: [
      { id: "x", tries: { left: 3, done: 0 } },
      { id: "x", tries: { left: 2, done: 0 } },
      { id: "x", tries: { left: 2, done: 1 } },
    ],
  },
];

for (const { why, order } of RULES)
  test(why, () => {
    assert.deepEqual(sortEntries([...order].reverse()), order);
    assert.deepEqual(sortEntries(order), order);
  });

test("when all are out of tries the first of them still starts", () => {
  assert.equal(nextEntry([ours(1, { left: 0, done: 3 }), ours(2, { left: 0, done: 3 })])?.id, "ashlar-000002");
  assert.equal(nextEntry([]), undefined);
});

test("the order does not depend on the order on disk", () => {
  const entry = fc.record({ number: fc.integer({ min: 1, max: 9 }), left: fc.option(fc.nat(3), { nil: undefined }) });
  fc.assert(
    fc.property(fc.uniqueArray(entry, { selector: ({ number }) => number }), (list) => {
      const entries = list.map(({ number, left }) => ours(number, left === undefined ? undefined : { left, done: 0 }));
      assert.deepEqual(sortEntries([...entries].reverse()), sortEntries(entries));
    }),
  );
});

function ours(activation: number, tries?: { left: number; done: number }): OrderedEntry {
  const version = String(activation).padStart(6, "0");
  return { id: `ashlar-${version}`, sortKey: "ashlar", version, ...(tries === undefined ? {} : { tries }) };
}
