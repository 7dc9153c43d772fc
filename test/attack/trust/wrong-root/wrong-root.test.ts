/** A root that does not follow the one before. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { metadataPath } from "#registry/trust/layout.ts";
import { signMetadata } from "#registry/trust/signatures.ts";
import { rotateRing } from "#registry/trust/rotation.ts";
import { makeKeys } from "../../../support/keys.ts";
import { openTrustLab, refuses, upgradeAt } from "../../../support/trust-lab.ts";
import assert from "node:assert/strict";

const now = (): number => Math.floor(Date.now() / 1000);
const signedOf = (bytes: Buffer | undefined): { version: number } =>
  (JSON.parse(bytes?.toString("utf8") ?? "") as { signed: { version: number } }).signed;

void test("a root by others, however well they sign it, is refused", async () => {
  await using lab = await openTrustLab();
  await lab.publisher.release(lab.releases, 2);
  const stranger = rotateRing(makeKeys(lab.at("stranger")), { add: true, plain: true, now: now() });
  writeFileSync(join(lab.releases, metadataPath("root", 2)), stranger.roots[1] ?? "");
  await refuses(lab, "E_TRUST_ROOT");
});

void test("a root that only the old keys signed, and not those that it names, is refused", async () => {
  await using lab = await openTrustLab();
  const { keys, release } = lab.publisher;
  await release(lab.releases, 2);
  const stranger = makeKeys(lab.at("stranger"));
  const signed = { ...signedOf(stranger.roots[0]), version: 2 };
  writeFileSync(join(lab.releases, metadataPath("root", 2)), signMetadata(keys, { role: "root", signed, under: [keys.root] }));
  await refuses(lab, "E_TRUST_ROOT");
});

void test("a root that skips or repeats a version is refused", async () => {
  for (const version of [1, 3, 99]) {
    await using lab = await openTrustLab();
    const { keys, release } = lab.publisher;
    await release(lab.releases, 2);
    const signed = { ...signedOf(keys.roots[0]), version };
    writeFileSync(join(lab.releases, metadataPath("root", 2)), signMetadata(keys, { role: "root", signed }));
    await refuses(lab, "E_TRUST_ROOT");
  }
});

void test("a machine that was off through several changes of all keys follows them, one after the other", async () => {
  await using lab = await openTrustLab();
  const { publisher } = lab;
  let ring = publisher.keys;
  for (const { file } of publisher.keys.keys) ring = rotateRing(ring, { revoke: file.keyid, add: true, plain: true, now: now() });
  await publisher.release(lab.releases, 2, { signing: ring }).then(
    () => assert.fail("the folder's list is signed only by keys that do not count any more"),
    (error: { code?: string }) => assert.equal(error.code, "E_PUBLISH_FOLDER"),
  );
  await publisher.release(lab.at("anew"), 1, { signing: ring });
  await publisher.release(lab.at("anew"), 2, { signing: ring });
  assert.equal((await upgradeAt(lab, { from: lab.at("anew") }))["outcome"], "staged");
});
