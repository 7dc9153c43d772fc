import assert from "node:assert/strict";
import test from "node:test";
import { parseDependencies } from "./dependency.ts";

void test("groups, alternatives, versions and qualifiers are taken apart", () => {
  assert.deepEqual(parseDependencies("libc6 (>= 2.38), python3:any, default-mta | mail-transport-agent"), [
    [{ name: "libc6", version: { operator: ">=", value: "2.38" } }],
    [{ name: "python3", qualifier: "any" }],
    [{ name: "default-mta" }, { name: "mail-transport-agent" }],
  ]);
});

void test("an empty field has no groups", () => {
  assert.deepEqual(parseDependencies(""), []);
});

void test("what is no relation is named", () => {
  assert.throws(() => parseDependencies("libc6, (>= 1)"), { code: "E_DEPENDENCY_SYNTAX", message: /"\(>= 1\)"/ });
});
