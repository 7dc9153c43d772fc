import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { compareVersions } from "./version-order.ts";

test("the specification's examples are in order, oldest first", () => {
  const versions = "122.1 123~rc1-1 123 123-a 123-a.1 123-1 123-1.1 123^post1 123.a-1 123.1-1 123a-1 124-1".split(" ");
  for (const [index, a] of versions.entries())
    for (const [other, b] of versions.entries()) assert.equal(Math.sign(compareVersions(a, b)), Math.sign(index - other), `${a} and ${b}`);
});

test("leading zeros and characters outside the set do not count", () => {
  assert.equal(compareVersions("000002", "2"), 0);
  assert.equal(compareVersions("1_2", "1 2"), 0);
  assert.ok(compareVersions("000010", "000009") > 0);
});

test("numbers are ordered by their value, whatever their length", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n }), fc.bigInt({ min: 0n }), (a, b) =>
      assert.equal(Math.sign(compareVersions(`${a}`, `${b}`)), a < b ? -1 : a > b ? 1 : 0),
    ),
  );
});

test("the order is total and antisymmetric", () => {
  const version = fc.stringMatching(/^[a-z0-9~^.-]{0,8}$/);
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      assert.equal(Math.sign(compareVersions(a, b)), 0 - Math.sign(compareVersions(b, a)));
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) assert.ok(compareVersions(a, c) <= 0);
    }),
  );
});
