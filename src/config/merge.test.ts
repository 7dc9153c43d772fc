import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { merge, MergeConflict } from "./merge.ts";
import type { SystemPart } from "./merge.ts";
import { override, withoutOverrides } from "./override.ts";

test("records are merged, lists united in order, equal values kept", () => {
  const merged = merge(
    { timezone: "UTC", packages: ["nano", "curl"], users: { ada: { groups: ["video"] } } },
    { name: "a", timezone: "UTC", packages: ["curl", "htop"], users: { ada: { sudo: true, groups: ["audio"] }, bob: {} } },
  );
  assert.deepEqual(merged, {
    name: "a",
    timezone: "UTC",
    packages: ["nano", "curl", "htop"],
    users: { ada: { groups: ["video", "audio"], sudo: true }, bob: {} },
  });
});

test("two values for one option are refused with the option, both values and where they stand", () => {
  const parts: SystemPart[] = [{ ssh: { port: 22 } }, {}, { ssh: { port: 2222 } }];
  assert.throws(
    () => merge(...parts),
    (error) => {
      assert.ok(error instanceof MergeConflict);
      assert.equal(error.message, "ssh.port is 22 in argument 1 of merge and 2222 in argument 3 of merge");
      assert.deepEqual(error.path, ["ssh", "port"]);
      return true;
    },
  );
});

test("a list and a text of one option are a conflict, not a guess", () => {
  assert.throws(
    () => merge({ files: { "/etc/a": "x" } }, { files: { "/etc/a": { source: "x", text: "y" } } }),
    /files\["\/etc\/a"\]\.text is "x"/,
  );
});

test("short forms are merged with long ones", () => {
  assert.deepEqual(merge({ ssh: true, keyboard: "de" }, { ssh: { port: 2222 }, keyboard: { variant: "nodeadkeys" } }), {
    ssh: { enable: true, port: 2222 },
    keyboard: { layout: "de", variant: "nodeadkeys" },
  });
  assert.deepEqual(merge({ files: { "/etc/a": "x" } }, { files: { "/etc/a": { mode: "0600" } } }), {
    files: { "/etc/a": { text: "x", mode: "0600" } },
  });
});

test("an override wins over values before and after it, also through a second merge", () => {
  const inner = merge({ timezone: "UTC" }, { timezone: override("Europe/Berlin") });
  assert.deepEqual(withoutOverrides(merge(inner, { timezone: "Asia/Tokyo" })), { timezone: "Europe/Berlin" });
});

test("an overridden list replaces, and an overridden nothing removes", () => {
  const merged = merge({ packages: ["nano"], ssh: true }, { packages: override(["vim"]), ssh: override(undefined) });
  assert.deepEqual(JSON.parse(JSON.stringify(withoutOverrides(merged))), { packages: ["vim"] });
});

test("two different overrides are a conflict again, two equal ones are not", () => {
  assert.throws(() => merge({ locale: override("C") }, { locale: override("C.UTF-8") }), MergeConflict);
  assert.deepEqual(withoutOverrides(merge({ locale: override("C") }, { locale: override("C") })), { locale: "C" });
});

test("a key named __proto__ stays a key and changes no prototype", () => {
  const part = JSON.parse('{"users": {"__proto__": {"uid": 1}}}') as SystemPart;
  const merged = merge(part, { users: { ada: {} } });
  assert.deepEqual(Object.keys(merged.users ?? {}), ["__proto__", "ada"]);
  assert.equal(Object.getPrototypeOf(merged.users), Object.prototype);
});

const parts = fc.record(
  {
    packages: fc.uniqueArray(fc.constantFrom("a", "b", "c", "d")),
    sysctl: fc.dictionary(fc.constantFrom("x", "y", "z"), fc.constant("1")),
    recommends: fc.constant(true),
  },
  { requiredKeys: [] },
);

test("merging is associative, and merging with itself or nothing changes nothing", () => {
  fc.assert(
    fc.property(parts, parts, parts, (a, b, c) => {
      assert.deepEqual(merge(merge(a, b), c), merge(a, merge(b, c)));
      assert.deepEqual(merge(a, a), merge(a));
      assert.deepEqual(merge(a, {}), merge(a));
    }),
  );
});
