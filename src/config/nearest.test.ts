import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest } from "./nearest.ts";

test("a slip finds the name that was meant", () => {
  assert.equal(nearest("pakages", ["packages", "users"]), "packages");
  assert.equal(nearest("prot", ["port", "enable"]), "port");
  assert.equal(nearest("hostName", ["hostname", "name"]), "hostname");
});

test("a name that is like no other finds nothing", () => {
  assert.equal(nearest("firewall", ["packages", "users", "files"]), undefined);
  assert.equal(nearest("x", []), undefined);
});
