/** Folders of keys: what is in them, who may read it, and what rotating does. */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeKeys } from "../../../test/support/keys.ts";
import { scratch } from "../../../test/support/release-fixture.ts";
import { createKeyFile, readKeyFile, signerOf } from "./key-file.ts";
import { keysOf, openRing } from "./ring.ts";
import { signMetadata } from "./signatures.ts";
import { initRing } from "./new-ring.ts";
import { rotateRing } from "./rotation.ts";

const home = scratch();
after(() => home[Symbol.dispose]());
let count = 0;
const fresh = (): string => join(home.path, `keys-${count++}`);
const NOW = 1_800_000_000;
const asked = (): string => assert.fail("a passphrase was asked for");

void test("a key file is encrypted, readable by its owner alone, and opens with its passphrase only", () => {
  const path = fresh();
  const made = createKeyFile(path, "correct horse");
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const file = readKeyFile(path);
  assert.deepEqual(file, made);
  assert.equal(signerOf(file, path, () => "correct horse")(Buffer.from("x")).length, 64);
  for (const wrong of ["correct hors", ""])
    assert.throws(() => signerOf(file, path, () => wrong), { code: "E_KEYS_PASSPHRASE", message: new RegExp(path) });
  // The encrypted part begins with the fixed bytes of PKCS#8 in a plain file, and with chance here.
  assert.ok(!Buffer.from(file.private, "base64").includes(Buffer.from("302e020100", "hex")));
  assert.notEqual(createKeyFile(fresh(), "correct horse").kdf?.salt, file.kdf?.salt);
});

void test("an encrypted key that was altered in any part does not open, and no error shows what it holds", () => {
  const path = fresh();
  const file = createKeyFile(path, "correct horse");
  const plain = createKeyFile(fresh(), undefined);
  const bytes = Buffer.from(file.private, "base64");
  bytes.writeUInt8(bytes.readUInt8(9) ^ 1, 9);
  for (const spoiled of [
    { ...file, private: bytes.toString("base64") },
    { ...file, keyid: plain.keyid, public: plain.public },
    { ...file, cipher: { ...file.cipher!, tag: "0".repeat(32) } },
  ])
    assert.throws(
      () => signerOf(spoiled, path, () => "correct horse"),
      (error: Error) => {
        assert.ok(!JSON.stringify([error.message, error.stack, error.cause]).includes(bytes.toString("hex")));
        return "code" in error && error.code === "E_KEYS_PASSPHRASE";
      },
    );
  writeFileSync(path, JSON.stringify({ ...file, keyid: plain.keyid }));
  assert.throws(() => readKeyFile(path), { code: "E_KEYS_FOLDER", message: /its id is not that of its key/ });
  for (const text of ["", "{}", "null", JSON.stringify({ ...file, cipher: undefined }), "x".repeat(20_000)]) {
    writeFileSync(path, text);
    assert.throws(() => readKeyFile(path), { code: "E_KEYS_FOLDER" });
  }
});

void test("a new folder has two offline keys and an online one, in roles of their own, and is never overwritten", () => {
  const folder = fresh();
  const ring = initRing({ folder, passphrase: undefined, now: NOW });
  assert.deepEqual(readdirSync(folder).sort(), ["1.root.json", "keys.json", "offline-1.key", "offline-2.key", "online-1.key"]);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  const { roles, expires } = ring.root.signed;
  assert.deepEqual(roles["root"]?.keyIDs, roles["targets"]?.keyIDs);
  assert.equal(roles["root"]?.keyIDs.length, 2);
  assert.deepEqual(roles["snapshot"]?.keyIDs, roles["timestamp"]?.keyIDs);
  assert.ok(!roles["root"]?.keyIDs.some((id) => roles["timestamp"]?.keyIDs.includes(id)));
  assert.equal(expires, "2030-01-14T08:00:00Z");
  ring.root.verifyDelegate("root", ring.root);
  const before = readFileSync(join(folder, "1.root.json"));
  assert.throws(() => initRing({ folder, passphrase: undefined, now: NOW }), { code: "E_KEYS_EXIST" });
  assert.deepEqual(readFileSync(join(folder, "1.root.json")), before);
  for (const [keys, threshold] of [
    [1, 1],
    [2, 3],
    [2, 0],
    [17, 1],
  ] as const)
    assert.throws(() => initRing({ folder: fresh(), keys, threshold, passphrase: undefined, now: NOW }), { code: "E_KEYS_FOLDER" });
});

void test("only what signs is opened: the online key renews without anybody's passphrase", () => {
  const folder = fresh();
  makeKeys(folder);
  for (const name of ["offline-1.key", "offline-2.key"]) rmSync(join(folder, name));
  createKeyFile(join(folder, "offline-1.key"), "correct horse");
  const ring = openRing(folder, asked);
  assert.ok(signMetadata(ring, { role: "timestamp", signed: {} }).length > 64);
  assert.throws(() => signMetadata(ring, { role: "targets", signed: {} }), { code: "E_KEYS_MISSING", hint: /nothing was signed/ });
});

void test("rotating replaces a key: the next root is signed by the old keys and the new ones, and says nothing of the old key", () => {
  const ring = makeKeys(fresh(), { keys: 3, threshold: 2 });
  const [gone] = keysOf(ring, "root");
  const next = rotateRing(ring, { revoke: gone?.file.keyid.slice(0, 12), add: true, plain: true, now: NOW });
  assert.deepEqual([next.roots.length, next.root.signed.version], [2, 2]);
  ring.root.verifyDelegate("root", next.root);
  next.root.verifyDelegate("root", next.root);
  const { roles, keys } = next.root.signed;
  assert.deepEqual([roles["root"]?.keyIDs.length, roles["root"]?.threshold], [3, 2]);
  assert.ok(!(gone!.file.keyid in keys));
  assert.ok(readdirSync(ring.folder).includes("offline-4.key"));
  assert.ok(readdirSync(ring.folder).includes("offline-1.key"), "nothing is deleted");
  const kept = rotateRing(next, { add: false, plain: true, now: NOW + 1 });
  assert.deepEqual(kept.root.signed.roles, next.root.signed.roles);
});

void test("rotating an unknown key, or to too few, changes nothing", () => {
  const ring = makeKeys(fresh());
  const before = readdirSync(ring.folder).sort();
  const [one] = keysOf(ring, "root");
  const options = { plain: true, now: NOW };
  assert.throws(() => rotateRing(ring, { ...options, revoke: "0123456789", add: true }), { code: "E_KEYS_UNKNOWN" });
  assert.throws(() => rotateRing(ring, { ...options, revoke: "", add: true }), { code: "E_KEYS_UNKNOWN" });
  assert.throws(() => rotateRing(ring, { ...options, revoke: one?.file.keyid, add: false }), { code: "E_KEYS_FOLDER" });
  assert.deepEqual(readdirSync(ring.folder).sort(), before);
});

void test("one key in two files is one key", () => {
  const strict = makeKeys(fresh(), { keys: 2, threshold: 2 });
  rmSync(join(strict.folder, "offline-2.key"));
  copyFileSync(join(strict.folder, "offline-1.key"), join(strict.folder, "offline-1-copy.key"));
  const ring = openRing(strict.folder, asked);
  assert.throws(() => signMetadata(ring, { role: "targets", signed: {} }), { code: "E_KEYS_MISSING" });
  assert.equal(rotateRing(ring, { plain: true, now: NOW, add: true }).roots.length, 1, "the next root waits");
});

void test("what is no folder of keys is said to be none", () => {
  assert.throws(() => openRing(home.path, asked), { code: "E_KEYS_FOLDER", hint: /ashlar keys init/ });
  const ring = makeKeys(fresh());
  writeFileSync(join(ring.folder, "keys.json"), "{}");
  assert.throws(() => openRing(ring.folder, asked), { code: "E_KEYS_FOLDER" });
});
