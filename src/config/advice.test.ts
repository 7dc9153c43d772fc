import assert from "node:assert/strict";
import { test } from "node:test";
import { adviceOn } from "./advice.ts";
import { complete, writeOut } from "./complete.ts";
import type { SystemInput } from "./input.ts";

const advice = (input: Omit<SystemInput, "name">): string[] => adviceOn(complete(writeOut({ name: "web", ...input }), {}));
const PASSWORD = { passwordHash: "$6$salt$hash" };
const KEY = { sshKeys: ["ssh-ed25519 AAAA you@laptop"] };

void test("a machine that nobody can log in to, and a Failsafe that nobody can use, are named", () => {
  assert.match(advice({ users: {} })[0] ?? "", /^nobody can log in/);
  assert.match(advice({ users: { a: KEY } })[0] ?? "", /^nobody can log in/, "a key without a server");
  assert.deepEqual(
    advice({ users: { a: KEY }, ssh: true }).map((text) => text.includes("Failsafe")),
    [true],
  );
});

void test("who can log in gets no advice", () => {
  assert.deepEqual(advice({ users: { a: PASSWORD } }), []);
  for (const failsafe of ["off", "shell"] as const) assert.deepEqual(advice({ users: { a: KEY }, ssh: true, boot: { failsafe } }), []);
});
