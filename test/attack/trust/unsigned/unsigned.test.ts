/** Metadata that nobody signed, or somebody else did. */
import assert from "node:assert/strict";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeKeys } from "../../../support/keys.ts";
import { ashlar } from "../../../support/machine-lab.ts";
import { forge, metaOf, openTrustLab, pathOf, refuses, signedIn, tamper, upgradeAt } from "../../../support/trust-lab.ts";
import { signMetadata } from "#registry/trust/signatures.ts";

void test("a timestamp without signatures is refused", async () => {
  await using lab = await openTrustLab();
  await lab.publisher.release(lab.releases, 2);
  tamper(pathOf(lab.releases, "timestamp"), (metadata) => ({ ...metadata, signatures: [] }));
  await refuses(lab, "E_TRUST_UNSIGNED");
});

void test("targets without signatures are refused although everything above them is right", async () => {
  await using lab = await openTrustLab();
  const { keys, release } = lab.publisher;
  await release(lab.releases, 2);
  forge(lab.releases, { keys });
  tamper(pathOf(lab.releases, "targets"), (metadata) => ({ ...metadata, signatures: [] }));
  const meta = { "targets.json": metaOf(readFileSync(pathOf(lab.releases, "targets")), signedIn(lab.releases, "targets").version) };
  const snapshot = signMetadata(keys, { role: "snapshot", signed: { ...signedIn(lab.releases, "snapshot"), meta } });
  const { version } = signedIn(lab.releases, "snapshot");
  writeFileSync(pathOf(lab.releases, "snapshot"), snapshot);
  const stamp = { ...signedIn(lab.releases, "timestamp"), meta: { "snapshot.json": metaOf(snapshot, version) } };
  writeFileSync(pathOf(lab.releases, "timestamp"), signMetadata(keys, { role: "timestamp", signed: stamp }));
  await refuses(lab, "E_TRUST_UNSIGNED");
});

void test("a stranger's metadata is refused", async () => {
  await using lab = await openTrustLab();
  const stranger = makeKeys(lab.at("stranger"));
  await lab.publisher.release(lab.at("strange"), 2, { signing: stranger });
  await refuses(lab, "E_TRUST_UNSIGNED", { from: lab.at("strange") });
});

void test("only --unsafe-unsigned takes an unsigned release; it is shown, and does not raise what counts as old", async () => {
  await using lab = await openTrustLab();
  const from = lab.at("unsigned");
  for (const version of [1, 2, 3, 4, 5]) await lab.publisher.release(from, version, { signing: "unsafe-unsigned" });
  await refuses(lab, "E_TRUST_UNSIGNED", { from });
  const taken = await upgradeAt(lab, { from, unsafeUnsigned: true });
  assert.deepEqual([taken["outcome"], taken["signers"]], ["staged", []]);
  const status = await ashlar(lab.machine, "status");
  assert.match(status.out, /problem: generation 2 is of a release that nobody vouched for \(--unsafe-unsigned\)/);
  const { generations } = JSON.parse((await ashlar(lab.machine, "status", "--json")).out) as {
    generations: { generation: number; unsigned?: true }[];
  };
  assert.deepEqual(
    generations.map(({ generation, unsigned }) => [generation, unsigned]),
    [
      [1, undefined],
      [2, true],
    ],
  );
  lab.machine.boot();
  // Release 2 by those whom it trusts is not older than the 5 of nobody.
  await lab.publisher.release(lab.releases, 6);
  assert.equal((await upgradeAt(lab, {}))["outcome"], "staged");
});

void test("--unsafe-unsigned takes neither what was altered, nor what is old or for others, and the timer never says it", async () => {
  await using lab = await openTrustLab();
  const from = lab.at("unsigned");
  await lab.publisher.release(from, 1, { signing: "unsafe-unsigned" });
  await lab.publisher.release(from, 2, { signing: "unsafe-unsigned" });
  rmSync(join(from, "deltas"), { recursive: true });
  const path = join(from, "releases/2.json");
  const good = readFileSync(path, "utf8");
  writeFileSync(path, good.replace('"quiet"', '"shell"'));
  await refuses(lab, "E_TRUST_MISMATCH", { from, unsafeUnsigned: true });
  writeFileSync(path, good);
  cpSync(lab.releases, lab.at("old"), { recursive: true });
  await lab.publisher.release(lab.releases, 2);
  await upgradeAt(lab, {});
  await refuses(lab, "E_TRUST_ROLLBACK", { from: lab.at("old"), unsafeUnsigned: true });
  assert.equal((await ashlar(lab.machine, "upgrade", "--unattended", "--unsafe-unsigned")).exitCode, 2);
  rmSync(join(from, "trust"), { recursive: true });
  await refuses(lab, "E_TRUST_INCOMPLETE", { from, unsafeUnsigned: true });
});

void test("a release that is signed after all is no unsigned one, whatever was said", async () => {
  await using lab = await openTrustLab();
  const { image } = await lab.publisher.release(lab.releases, 2);
  const from = lab.at("unsigned");
  await lab.publisher.release(from, 1, { signing: "unsafe-unsigned" });
  await lab.publisher.release(from, 2, { signing: "unsafe-unsigned" });
  await upgradeAt(lab, { from, unsafeUnsigned: true });
  assert.equal((await upgradeAt(lab, { unsafeUnsigned: true }))["digest"], image.digest);
  assert.doesNotMatch((await ashlar(lab.machine, "status")).out, /nobody vouched/);
});
