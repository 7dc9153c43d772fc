import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import type { TestContext } from "node:test";
import { SYSTEM, lockOf, locked } from "../../test/support/lock-fixture.ts";
import { lockFits, lockText, readLock, writeLock } from "./file.ts";

function lockPath(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "ashlar-lock-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "system.lock.json");
}

const LOCK = lockOf([locked("adduser", "3"), locked("hello", "1")]);

void test("a lock that is written is read again", (t) => {
  const path = lockPath(t);
  writeLock(path, LOCK);
  assert.deepEqual(readLock(path), LOCK);
});

void test("a name that is the beginning of another keeps its place in the resolver's order", (t) => {
  const path = lockPath(t);
  const packages = [locked("adduser", "3"), locked("libc6", "2"), locked("libc6-dev", "2")];
  writeLock(path, lockOf(packages));
  assert.deepEqual(readLock(path).packages, packages);
});

void test("the text does not depend on the order in which things were found", () => {
  const shuffled = { ...LOCK, packages: LOCK.packages.toReversed(), ids: { users: { www: 999 }, groups: { adm: 4, www: 999 } } };
  assert.equal(lockText(shuffled), lockText(LOCK));
  assert.match(lockText(LOCK), /^\{\n {2}"version": 1,\n/);
});

void test("a lock names no host", () => {
  assert.doesNotMatch(lockText(LOCK), /https?:|\/\/|localhost/);
});

for (const [what, text, message] of [
  ["a merge conflict", "<<<<<<< HEAD\n", /is not JSON/],
  ["a path out of the archive", lockText(LOCK).replace("pool/main/h", "../main/h"), /packages\.1\.path: expected a path below/],
  ["a host in a path", lockText(LOCK).replace("pool/main/h", "/srv/h"), /packages\.1\.path/],
  ["a short hash", lockText(LOCK).replace("0".repeat(64), "00"), /sha256: expected 64/],
  ["an unknown field", lockText(LOCK).replace('"version": 1,', '"version": 1, "extra": 1,'), /extra/],
  ["a wrong type", lockText(LOCK).replace('"size": 100', '"size": "100"'), /size/],
] as const)
  void test(`${what} is refused with the place`, (t) => {
    const path = lockPath(t);
    writeFileSync(path, text);
    assert.throws(() => readLock(path), { code: "E_LOCK_SYNTAX", message, hint: /ashlar lock/ });
  });

void test("a lock of a later version says so", (t) => {
  const path = lockPath(t);
  writeFileSync(path, lockText(LOCK).replace('"version": 1', '"version": 2'));
  assert.throws(() => readLock(path), { code: "E_LOCK_VERSION", message: /version 2/ });
});

void test("a missing lock says how to make it", (t) => {
  assert.throws(() => readLock(lockPath(t)), { code: "E_LOCK_SYNTAX", hint: "ashlar lock" });
});

void test("a lock fits the system that it was made for, whatever else the system says", () => {
  assert.deepEqual(lockFits(LOCK, SYSTEM), { fits: true });
  assert.deepEqual(lockFits(LOCK, { ...SYSTEM, hostname: "other", timezone: "Europe/Berlin" }), { fits: true });
});

void test("what a system asks for beyond its lock is named", () => {
  const fit = lockFits(LOCK, {
    ...SYSTEM,
    packages: ["nginx"],
    ssh: { ...SYSTEM.ssh, enable: true },
    distribution: { ...SYSTEM.distribution, suite: "forky" },
  });
  assert.deepEqual(fit, {
    fits: false,
    why: [
      "suite is forky in the config, trixie in the lock",
      "packages: the config adds nginx, openssh-server",
      "packages: the config no longer has hello",
    ],
  });
});
