/** Versions that go down, in each kind of metadata, although every signature is right. */
import { cpSync } from "node:fs";
import { test } from "node:test";
import { forge, metaOf, openTrustLab, pathOf, refuses, signedIn, upgradeAt } from "../../../support/trust-lab.ts";
import { readFileSync } from "node:fs";

void test("a folder as it was before is refused", async () => {
  await using lab = await openTrustLab();
  cpSync(lab.releases, lab.at("old"), { recursive: true });
  await lab.publisher.release(lab.releases, 2);
  await upgradeAt(lab, {});
  await refuses(lab, "E_TRUST_ROLLBACK", { from: lab.at("old") });
});

void test("a new timestamp that names an older snapshot is refused", async () => {
  await using lab = await openTrustLab();
  const old = { version: signedIn(lab.releases, "snapshot").version, bytes: readFileSync(pathOf(lab.releases, "snapshot")) };
  await lab.publisher.release(lab.releases, 2);
  await upgradeAt(lab, {});
  const meta = { "snapshot.json": metaOf(old.bytes, old.version) };
  forge(lab.releases, { keys: lab.publisher.keys, timestamp: (signed) => ({ ...signed, meta }) });
  await refuses(lab, "E_TRUST_ROLLBACK");
});

void test("a new snapshot that names older targets is refused", async () => {
  await using lab = await openTrustLab();
  const old = { version: signedIn(lab.releases, "targets").version, bytes: readFileSync(pathOf(lab.releases, "targets")) };
  await lab.publisher.release(lab.releases, 2);
  await upgradeAt(lab, {});
  const meta = { "targets.json": metaOf(old.bytes, old.version) };
  forge(lab.releases, { keys: lab.publisher.keys, snapshot: (signed) => ({ ...signed, meta }) });
  await refuses(lab, "E_TRUST_ROLLBACK");
});
