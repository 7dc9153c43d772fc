/** An old snapshot after the machine has seen a newer one, with the new timestamp above it. */
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { openTrustLab, pathOf, refuses, upgradeAt } from "../../../support/trust-lab.ts";

void test("a replayed snapshot is refused, and so is a replayed timestamp", async () => {
  await using lab = await openTrustLab();
  const [snapshot, timestamp] = [readFileSync(pathOf(lab.releases, "snapshot")), readFileSync(pathOf(lab.releases, "timestamp"))];
  await lab.publisher.release(lab.releases, 2);
  await upgradeAt(lab, {});
  await lab.publisher.release(lab.releases, 3);
  const [path, good] = [pathOf(lab.releases, "snapshot"), readFileSync(pathOf(lab.releases, "snapshot"))];
  writeFileSync(path, snapshot);
  await refuses(lab, "E_TRUST_MISMATCH");
  writeFileSync(path, good);
  writeFileSync(pathOf(lab.releases, "timestamp"), timestamp);
  await refuses(lab, "E_TRUST_ROLLBACK");
});
