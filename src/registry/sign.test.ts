import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createKey, keyId, publicKeyOf, signContent, verifyContent } from "./sign.ts";

const folder = mkdtempSync(join(tmpdir(), "ashlar-sign-"));
after(() => rmSync(folder, { recursive: true }));
const one = createKey(join(folder, "one.pem"));
const two = createKey(join(folder, "two.pem"));
const content = Buffer.from("a manifest\n");

test("a private key is readable only by its owner and is never overwritten", () => {
  assert.equal(statSync(join(folder, "one.pem")).mode & 0o777, 0o600);
  const before = readFileSync(join(folder, "one.pem"));
  assert.throws(() => createKey(join(folder, "one.pem")), { code: "E_KEY_EXISTS" });
  assert.deepEqual(readFileSync(join(folder, "one.pem")), before);
});

test("the public key comes back from the private key file", () => {
  assert.equal(publicKeyOf(join(folder, "one.pem")), one.publicKey);
  assert.match(one.publicKey, /^ashlar-key-1:[A-Za-z0-9+/]{43}=$/);
  assert.equal(one.id, keyId(one.publicKey));
});

test("one good signature of several is enough, whoever made the others", () => {
  const signatures = signContent(content, join(folder, "one.pem")) + signContent(content, join(folder, "two.pem"));
  assert.deepEqual(verifyContent(content, signatures, [two.publicKey]), { signed: true, key: two.id });
  assert.deepEqual(verifyContent(content, `junk\n\n${signatures}`, [one.publicKey]), { signed: true, key: one.id });
});

test("a signature of another content, by another key, or under another key's name is none", () => {
  const signature = signContent(content, join(folder, "one.pem"));
  assert.deepEqual(verifyContent(Buffer.from("another\n"), signature, [one.publicKey]), {
    signed: false,
    wrong: [one.id],
    present: [one.id],
  });
  assert.deepEqual(verifyContent(content, signature, [two.publicKey]), { signed: false, wrong: [], present: [one.id] });
  assert.deepEqual(verifyContent(content, signature.replace(one.id, two.id), [two.publicKey]), {
    signed: false,
    wrong: [two.id],
    present: [two.id],
  });
  assert.deepEqual(verifyContent(content, "", [one.publicKey]), { signed: false, wrong: [], present: [] });
  assert.deepEqual(verifyContent(content, signature, []), { signed: false, wrong: [], present: [one.id] });
});

test("every flipped bit of a signature makes it wrong", () => {
  const signature = signContent(content, join(folder, "one.pem"));
  const raw = Buffer.from(signature.trimEnd().split(":")[2] ?? "", "base64");
  for (let bit = 0; bit < raw.length * 8; bit++) {
    const altered = Buffer.from(raw);
    altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    const line = `ashlar-signature-1:${one.id}:${altered.toString("base64")}\n`;
    assert.equal(verifyContent(content, line, [one.publicKey]).signed, false, `bit ${bit}`);
  }
});

test("what is no ed25519 key is refused by name", () => {
  writeFileSync(join(folder, "bad.pem"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
  assert.throws(() => publicKeyOf(join(folder, "bad.pem")), { code: "E_KEY_MALFORMED", message: /bad\.pem/ });
  assert.throws(() => verifyContent(content, "", ["ssh-ed25519 AAAA"]), { code: "E_KEY_MALFORMED", message: /ssh-ed25519/ });
});
