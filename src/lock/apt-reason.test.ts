import assert from "node:assert/strict";
import test from "node:test";
import { readableReasons } from "./apt-reason.ts";

void test("the solver's explanation becomes sentences about packages", () => {
  const output = `
E: Unable to correct problems, you have held broken packages.
E: The following information from --solver 3.0 may provide additional context:
   Unable to satisfy dependencies. Reached two conflicting decisions:
   1. postfix:amd64 is not selected for install because:
      1. exim4-daemon-light:amd64=4.98.2-1+deb13u5 is selected for install
      2. postfix:amd64 Conflicts mail-transport-agent
         [selected exim4-daemon-light:amd64=4.98.2-1+deb13u5]
   2. postfix:amd64=3.10.13-0+deb13u1 is selected for install
`;
  assert.deepEqual(readableReasons(output), [
    "postfix is not possible because:",
    "   exim4-daemon-light 4.98.2-1+deb13u5 is wanted",
    "   postfix conflicts with mail-transport-agent",
    "      [selected exim4-daemon-light 4.98.2-1+deb13u5]",
    "postfix 3.10.13-0+deb13u1 is wanted",
  ]);
});

void test("without an explanation apt's own errors are shown", () => {
  assert.deepEqual(readableReasons("Reading…\nE: Unable to locate package x\n"), ["Unable to locate package x"]);
});

void test("when apt says nothing that is known, all of it is shown", () => {
  assert.deepEqual(readableReasons("  something odd\n"), ["something odd"]);
});
