/** A key that was stolen, and taken out of the root. */
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { test } from "node:test";
import { canonicalJson } from "#formats/canonical-json.ts";
import { readRoot } from "#registry/trust/ring.ts";
import { rotateRing } from "#registry/trust/rotation.ts";
import { json } from "../../../support/machine-lab.ts";
import { forge, openTrustLab, refuses, signedIn, stolen, upgradeAt } from "../../../support/trust-lab.ts";

const now = (): number => Math.floor(Date.now() / 1000);

void test("what a revoked key signs is refused from the moment that the machine has seen the new root", async () => {
  await using lab = await openTrustLab();
  const { keys, release } = lab.publisher;
  const thief = stolen(keys, lab.at("thief"), ["offline-1.key", "online-1.key"]);
  const revoked = thief.keys.find(({ path }) => path.endsWith("offline-1.key"))?.file.keyid ?? "";
  const rotated = rotateRing(keys, { revoke: revoked, add: true, plain: true, now: now() });
  await release(lab.releases, 2, { signing: rotated });
  assert.equal((await upgradeAt(lab, {}))["outcome"], "staged");
  assert.equal(lab.machine.boot(), 2);
  cpSync(lab.releases, lab.at("forged"), { recursive: true });
  forge(lab.at("forged"), { keys: thief });
  await refuses(lab, "E_TRUST_UNSIGNED", { from: lab.at("forged") });
  // The old generation's image names the old root; the machine knows better.
  await json(lab.machine, "rollback");
  assert.equal(lab.machine.boot(), 1);
  await refuses(lab, "E_TRUST_UNSIGNED", { from: lab.at("forged") });
  await release(lab.releases, 3, { signing: rotated });
  assert.equal((await upgradeAt(lab, {}))["release"], 3, "and the new keys go on");
});

void test("an online key that was taken cannot make a release, and is refused after it was replaced", async () => {
  await using lab = await openTrustLab();
  const { keys, release } = lab.publisher;
  const thief = stolen(keys, lab.at("thief"), ["online-1.key"]);
  const online = thief.keys[0]?.file.keyid ?? "";
  await release(lab.releases, 2);
  cpSync(lab.releases, lab.at("forged"), { recursive: true });
  // The online key signs the list of releases, too, as if it were one of the others.
  const as = { ...thief, root: rootWhereTargetsAre(online) };
  forge(lab.at("forged"), { keys: { targets: as, online: thief } });
  await refuses(lab, "E_TRUST_UNSIGNED", { from: lab.at("forged") });
  const rotated = rotateRing(keys, { revoke: online.slice(0, 12), add: true, plain: true, now: now() });
  await release(lab.releases, 3, { signing: rotated });
  await upgradeAt(lab, {});
  cpSync(lab.releases, lab.at("forged-2"), { recursive: true });
  const { version } = signedIn(lab.releases, "timestamp");
  forge(lab.at("forged-2"), { keys: { targets: rotated, online: thief }, timestamp: (signed) => ({ ...signed, version: version + 9 }) });
  await refuses(lab, "E_TRUST_UNSIGNED", { from: lab.at("forged-2") });

  function rootWhereTargetsAre(id: string): typeof keys.root {
    const { signed } = JSON.parse(keys.roots[0]?.toString("utf8") ?? "") as { signed: { roles: Record<string, unknown> } };
    const roles = { ...signed.roles, targets: { keyids: [id], threshold: 1 } };
    return readRoot(Buffer.from(canonicalJson({ signatures: [], signed: { ...signed, roles } })), "forged");
  }
});

void test("whoever took the online key and made versions jump far ahead stops machines only until that key is replaced", async () => {
  await using lab = await openTrustLab();
  const { keys, release } = lab.publisher;
  await release(lab.releases, 2);
  const folder = lab.at("ahead");
  cpSync(lab.releases, folder, { recursive: true });
  const far = 2 ** 52;
  forge(folder, { keys, snapshot: (signed) => ({ ...signed, version: far }), timestamp: (signed) => ({ ...signed, version: far }) });
  await upgradeAt(lab, { from: folder });
  await release(lab.releases, 3);
  await refuses(lab, "E_TRUST_ROLLBACK");
  const online = keys.keys.find(({ path }) => path.endsWith("online-1.key"))?.file.keyid ?? "";
  const rotated = rotateRing(keys, { revoke: online, add: true, plain: true, now: now() });
  await release(lab.releases, 4, { signing: rotated });
  assert.equal((await upgradeAt(lab, {}))["release"], 4);
  // And versions count again.
  cpSync(lab.releases, lab.at("old"), { recursive: true });
  await release(lab.releases, 5, { signing: rotated });
  await upgradeAt(lab, {});
  await refuses(lab, "E_TRUST_ROLLBACK", { from: lab.at("old") });
});
