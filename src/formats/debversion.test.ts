import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import test from "node:test";
import * as fc from "fast-check";
import { exec } from "#sys/exec.ts";
import { compareVersions, satisfiesRelation } from "./debversion.ts";

const ORDERED = [
  "0~~",
  "0~~a",
  "0~",
  "0",
  "0a",
  "0+",
  "1.0~rc1-1",
  "1.0-1",
  "1.0-1+b1",
  "1.0-1.1",
  "1.0-2",
  "1.0a-1",
  "1.2",
  "1.10",
  "1:0.1",
  "2:0",
];

void test("versions are ordered as Debian policy orders them", () => {
  for (const [i, a] of ORDERED.entries())
    for (const [j, b] of ORDERED.entries()) assert.equal(Math.sign(compareVersions(a, b)), Math.sign(i - j), `${a} against ${b}`);
});

void test("leading zeros, a zero epoch and an absent revision mean nothing", () => {
  assert.equal(compareVersions("1.02", "1.2"), 0);
  assert.equal(compareVersions("0:1", "1"), 0);
  assert.equal(compareVersions("1-0", "1"), 0);
});

void test("relations compare as their signs say", () => {
  assert.equal(satisfiesRelation("1.0", ">=", "1.0"), true);
  assert.equal(satisfiesRelation("1.0", ">>", "1.0"), false);
  assert.equal(satisfiesRelation("1.0~rc1", "<<", "1.0"), true);
});

const part = fc.string({ unit: fc.constantFrom(..."0019az~+.".split("")), maxLength: 8 }).map((tail) => `1${tail}`);
const version = fc
  .tuple(fc.option(fc.nat(3)), part, fc.option(part))
  .map(([epoch, upstream, revision]) => `${epoch === null ? "" : `${epoch}:`}${upstream}${revision === null ? "" : `-${revision}`}`);

void test(
  "dpkg --compare-versions agrees on random versions",
  { skip: existsSync("/usr/bin/dpkg") ? false : "dpkg is not installed" },
  async () => {
    const pairs = fc.sample(fc.tuple(version, version), 40);
    // One shell for all pairs: starting a process for each would take longer than all other tests.
    const script =
      'while [ $# -gt 0 ]; do dpkg --compare-versions "$1" lt "$2" && echo lt || { dpkg --compare-versions "$1" eq "$2" && echo eq || echo gt; }; shift 2; done';
    const { stdout } = await exec("/bin/sh", ["-c", script, "sh", ...pairs.flat()]);
    const expected = stdout.toString().trim().split("\n");
    const got = pairs.map(([a, b]) => ["lt", "eq", "gt"][Math.sign(compareVersions(a, b)) + 1]);
    assert.deepEqual(
      pairs.map(([a, b], index) => `${a} ${got[index]} ${b}`),
      pairs.map(([a, b], index) => `${a} ${expected[index]} ${b}`),
    );
  },
);
