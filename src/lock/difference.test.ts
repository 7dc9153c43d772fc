import assert from "node:assert/strict";
import test from "node:test";
import { lockOf, locked } from "../../test/support/lock-fixture.ts";
import { lockDifference } from "./difference.ts";

void test("packages are added, removed, upgraded, downgraded and rebuilt", () => {
  const from = lockOf([locked("a", "1"), locked("b", "1.10"), locked("c", "1~rc1"), locked("d", "1"), locked("same", "1")]);
  const to = lockOf([locked("b", "1.9"), locked("c", "1"), locked("d", "1", "1"), locked("e", "1"), locked("same", "1")]);
  const names = Object.fromEntries(
    Object.entries(lockDifference(from, to)).map(([kind, changes]) => [kind, changes.map(({ name }: { name: string }) => name)]),
  );
  assert.deepEqual(names, { added: ["e"], removed: ["a"], upgraded: ["c"], downgraded: ["b"], rebuilt: ["d"] });
});

void test("against nothing, everything is added", () => {
  assert.deepEqual(lockDifference(undefined, lockOf([locked("a", "1")])).added, [{ name: "a", architecture: "amd64", to: "1", size: 100 }]);
});

void test("a lock does not differ from itself", () => {
  const lock = lockOf([locked("a", "1")]);
  assert.deepEqual(Object.values(lockDifference(lock, lock)).flat(), []);
});
