/** A mirror that stands still: it is believed until its timestamp runs out, and then it is said. */
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { test } from "node:test";
import { openTrustLab, refuses, signedIn, upgradeAt } from "../../../support/trust-lab.ts";

void test("a frozen mirror keeps a machine at an old release no longer than its timestamp is good", async () => {
  await using lab = await openTrustLab({ days: 30 });
  const mirror = lab.at("mirror");
  cpSync(lab.releases, mirror, { recursive: true });
  await lab.publisher.release(lab.releases, 2);
  const end = Date.parse(signedIn(mirror, "timestamp").expires) / 1000;
  assert.equal((await upgradeAt(lab, { from: mirror }, end - 60))["outcome"], "current");
  await refuses(lab, "E_TRUST_EXPIRED", { from: mirror }, end);
  await refuses(lab, "E_TRUST_EXPIRED", { from: mirror }, end + 400 * 86_400);
  assert.equal((await upgradeAt(lab, {}, end - 60))["outcome"], "staged");
});

void test("what has expired stays refused when somebody sets the clock back: it is older than what was seen", async () => {
  await using lab = await openTrustLab({ days: 30 });
  const mirror = lab.at("mirror");
  cpSync(lab.releases, mirror, { recursive: true });
  await lab.publisher.release(lab.releases, 2);
  assert.equal((await upgradeAt(lab, {}))["outcome"], "staged");
  await refuses(lab, "E_TRUST_ROLLBACK", { from: mirror }, 1000);
});
