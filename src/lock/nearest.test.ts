import assert from "node:assert/strict";
import test from "node:test";
import { nearestNames } from "./nearest.ts";

const NAMES = ["nginx", "nginx-light", "nginx-extras", "openssh-server", "openssh-client", "postgresql", "postgresql-17", "vim", "hello"];

for (const [typed, first] of [
  ["nignx", "nginx"],
  ["openssh-servr", "openssh-server"],
  ["postgres", "postgresql"],
  ["helo", "hello"],
  ["vin", "vim"],
] as const)
  void test(`${typed} may have meant ${first}`, () => {
    assert.equal(nearestNames(typed, NAMES)[0], first);
  });

void test("nothing is offered for what resembles nothing", () => {
  assert.deepEqual(nearestNames("qqqqqqqq", NAMES), []);
});

void test("at most three names are offered, in an order that does not depend on the list's", () => {
  const offered = nearestNames("nginx-", NAMES);
  assert.deepEqual(offered, nearestNames("nginx-", NAMES.toReversed()));
  assert.equal(offered.length, 3);
});
