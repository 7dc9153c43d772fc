/** Whoever can write to the folder lists a release of their own, and waits for the next publishing to sign it. */
import assert from "node:assert/strict";
import { cpSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { makeKeys } from "../../../support/keys.ts";
import { forge, openTrustLab, pathOf, tamper } from "../../../support/trust-lab.ts";

void test("publishing signs no list that its own keys have not signed before", async () => {
  await using lab = await openTrustLab();
  const { release } = lab.publisher;
  await release(lab.releases, 2);
  const stranger = makeKeys(lab.at("stranger"));
  for (const spoil of [
    (folder: string): void => forge(folder, { keys: stranger }),
    (folder: string): void =>
      tamper(pathOf(folder, "targets"), ({ signatures, signed }) => ({ signatures, signed: { ...signed, targets: {} } })),
    (folder: string): void => tamper(pathOf(folder, "targets"), ({ signed }) => ({ signatures: [], signed })),
  ]) {
    const folder = lab.at(`spoiled-${Math.random()}`);
    cpSync(lab.releases, folder, { recursive: true });
    spoil(folder);
    const before = readFileSync(pathOf(folder, "timestamp"));
    await assert.rejects(release(folder, 3), { code: "E_PUBLISH_FOLDER", message: /is not signed by these keys/ });
    await assert.rejects(
      release(folder, 3, { signing: stranger }).then(() => release(folder, 4)),
      { code: "E_PUBLISH_FOLDER" },
    );
    void before;
  }
});

void test("a signed folder is not made an unsigned one by mistake", async () => {
  await using lab = await openTrustLab();
  await assert.rejects(lab.publisher.release(lab.releases, 2, { signing: "unsafe-unsigned" }), {
    code: "E_PUBLISH_FOLDER",
    message: /are signed/,
  });
});
