/** Metadata whose time has run out, each kind of it: an old state that is served for ever must not go unnoticed. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { metadataPath } from "#registry/trust/layout.ts";
import { signMetadata } from "#registry/trust/signatures.ts";
import { forge, openTrustLab, refuses, upgradeAt } from "../../../support/trust-lab.ts";
import type { Signed } from "../../../support/trust-lab.ts";

const PAST = "2026-01-01T00:00:00Z";
const over = (signed: Signed): Signed => ({ ...signed, expires: PAST });

for (const role of ["timestamp", "snapshot", "targets"] as const)
  void test(`expired ${role} metadata is refused`, async () => {
    await using lab = await openTrustLab();
    await lab.publisher.release(lab.releases, 2);
    forge(lab.releases, { keys: lab.publisher.keys, [role]: over });
    const { message } = await refuses(lab, "E_TRUST_EXPIRED");
    assert.match(message, new RegExp(`${role} metadata was good until ${PAST}; it is now 20`));
  });

void test("an expired root is refused, but only when it is the last one", async () => {
  await using lab = await openTrustLab();
  const { keys } = lab.publisher;
  await lab.publisher.release(lab.releases, 2);
  const next = (version: number, expires: string): void => {
    const { signed } = JSON.parse(keys.roots[0]?.toString("utf8") ?? "") as { signed: Signed };
    writeFileSync(
      join(lab.releases, metadataPath("root", version)),
      signMetadata(keys, { role: "root", signed: { ...signed, version, expires } }),
    );
  };
  next(2, PAST);
  assert.match((await refuses(lab, "E_TRUST_EXPIRED")).message, /root metadata was good until 2026-01-01/);
  next(3, "2099-01-01T00:00:00Z");
  const { outcome } = await upgradeAt(lab, {});
  assert.equal(outcome, "staged");
});
