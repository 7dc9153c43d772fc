/** One key that tries to count twice. */
import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { canonicalJson } from "#formats/canonical-json.ts";
import { writeTrust } from "#registry/trust/folder.ts";
import { metadataPath } from "#registry/trust/layout.ts";
import { vouchFor } from "#registry/trust/place.ts";
import { readProposal } from "#registry/trust/proposal.ts";
import { signMetadata } from "#registry/trust/signatures.ts";
import { metaOf, openTrustLab, pathOf, refuses, signedIn, stolen, upgradeAt } from "../../../support/trust-lab.ts";
import type { TrustLab } from "../../../support/trust-lab.ts";

interface Metadata {
  signatures: { keyid: string; sig: string }[];
  signed: Record<string, unknown>;
}

/** Puts other targets in place, with a snapshot and a timestamp for exactly these bytes. */
function replaceTargets({ releases, publisher: { keys } }: TrustLab, change: (metadata: Metadata) => Metadata): void {
  const path = pathOf(releases, "targets");
  const bytes = Buffer.from(canonicalJson(change(JSON.parse(readFileSync(path, "utf8")) as Metadata)));
  writeFileSync(path, bytes);
  const snapshot = { ...signedIn(releases, "snapshot"), meta: { "targets.json": metaOf(bytes, signedIn(releases, "targets").version) } };
  const shot = signMetadata(keys, { role: "snapshot", signed: snapshot });
  writeFileSync(pathOf(releases, "snapshot"), shot);
  const stamp = { ...signedIn(releases, "timestamp"), meta: { "snapshot.json": metaOf(shot, snapshot.version) } };
  writeFileSync(pathOf(releases, "timestamp"), signMetadata(keys, { role: "timestamp", signed: stamp }));
}

void test("two keys have to sign: the signature of one, twice, once, or under the other's name, is not enough", async () => {
  for (const [change, code] of [
    [({ signatures, ...rest }: Metadata) => ({ ...rest, signatures: [signatures[0]!, signatures[0]!] }), "E_TRUST_MALFORMED"],
    [({ signatures, ...rest }: Metadata) => ({ ...rest, signatures: [signatures[0]!] }), "E_TRUST_UNSIGNED"],
    [
      ({ signatures: [one, two], ...rest }: Metadata) => ({ ...rest, signatures: [one!, { keyid: two!.keyid, sig: one!.sig }] }),
      "E_TRUST_UNSIGNED",
    ],
  ] as const) {
    await using lab = await openTrustLab({ keys: 3, threshold: 2 });
    await lab.publisher.release(lab.releases, 2);
    replaceTargets(lab, (metadata) => change({ ...metadata, signatures: metadata.signatures.slice(0, 2) }));
    await refuses(lab, code);
  }
});

void test("with two of three keys a release is taken; what one has signed waits, and is refused where an attacker lists it", async () => {
  await using lab = await openTrustLab({ keys: 3, threshold: 2 });
  const { keys, release } = lab.publisher;
  const one = stolen(keys, lab.at("one"), ["offline-1.key", "online-1.key"]);
  await release(lab.releases, 2, { signing: one });
  assert.equal((await upgradeAt(lab, {}))["outcome"], "current");
  const waiting = readProposal(one, lab.releases, Date.now())!;
  const attacked = lab.at("attacked");
  cpSync(lab.releases, attacked, { recursive: true });
  writeTrust(attacked, vouchFor(waiting, one, waiting.version, Date.now()));
  await refuses(lab, "E_TRUST_UNSIGNED", { from: attacked });
  const two = stolen(keys, lab.at("two"), ["offline-1.key", "offline-3.key", "online-1.key"]);
  await release(lab.releases, 2, { signing: two });
  assert.equal((await upgradeAt(lab, {}))["outcome"], "staged");
});

void test("a root in which one key has two ids is refused, although it is signed", async () => {
  await using lab = await openTrustLab();
  const { keys, release } = lab.publisher;
  await release(lab.releases, 2);
  const { signed } = JSON.parse(keys.roots[0]?.toString("utf8") ?? "") as {
    signed: { version: number; keys: Record<string, unknown>; roles: Record<string, { keyids: string[] }> };
  };
  const [id = ""] = signed.roles["root"]?.keyids ?? [];
  const twin = "f".repeat(64);
  const root = { ...signed, version: 2, keys: { ...signed.keys, [twin]: signed.keys[id] } };
  writeFileSync(join(lab.releases, metadataPath("root", 2)), signMetadata(keys, { role: "root", signed: root }));
  const error = await refuses(lab, "E_TRUST_MALFORMED");
  assert.match(error.message, /is not the one that its id says/);
});
