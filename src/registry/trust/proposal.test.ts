/** Signing in turns: two of three people have to sign, each with a folder of keys that has one key of their own. */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeKeys, trustIn } from "../../../test/support/keys.ts";
import { publisherHere } from "../../../test/support/machine-lab.ts";
import { canonicalJson } from "../../formats/canonical-json.ts";
import { fetchRelease } from "../fetch.ts";
import { openSource } from "../source.ts";
import { PROPOSAL_FILE, canPublish, publishProposal, readProposal, signProposal } from "./proposal.ts";
import { openRing } from "./ring.ts";
import type { KeyRing } from "./ring.ts";
import { readProposedRoot, rotateRing, signProposedRoot } from "./rotation.ts";

const { home, publisher } = await publisherHere();
const NOW = Date.now();
const SECONDS = Math.floor(NOW / 1000);
let count = 0;
const fresh = (): string => join(home.path, `place-${count++}`);

/** Folders of keys of three people; the third has the online key, too. */
function people(): [KeyRing, KeyRing, KeyRing] {
  const whole = makeKeys(fresh(), { keys: 3, threshold: 2 });
  return [1, 2, 3].map((number) => {
    const folder = fresh();
    mkdirSync(folder);
    for (const name of ["keys.json", "1.root.json", `offline-${number}.key`, ...(number === 3 ? ["online-1.key"] : [])])
      copyFileSync(join(whole.folder, name), join(folder, name));
    return openRing(folder, () => "");
  }) as [KeyRing, KeyRing, KeyRing];
}

const sequenceAt = async (folder: string, ring: KeyRing): Promise<number> =>
  (await fetchRelease(openSource(folder), trustIn(ring))).release.sequence;

/** What waits in a folder, with its text changed and the signatures as they were. */
function alter(folder: string, change: (signed: Record<string, unknown>) => void): void {
  const path = join(folder, PROPOSAL_FILE);
  const { signed, signatures } = JSON.parse(readFileSync(path, "utf8")) as { signed: Record<string, unknown>; signatures: unknown };
  change(signed);
  writeFileSync(path, canonicalJson({ signatures, signed }));
}

void test("a release waits for the second signature; machines see it after that, and not before", async () => {
  const [first, second, third] = people();
  const folder = fresh();
  await publisher.release(folder, 1, { signing: first });
  await assert.rejects(sequenceAt(folder, first), { code: /E_/ });
  const waiting = readProposal(second, folder, NOW);
  assert.deepEqual([waiting?.have, waiting?.need, waiting?.added.map(({ sequence }) => sequence)], [1, 2, [1]]);
  const again = signProposal(first, folder, waiting!);
  assert.equal(again.have, 1, "the same key signs no second time");
  const signed = signProposal(second, folder, waiting!);
  assert.deepEqual([signed.have, canPublish(second, signed)], [2, false], "the online key is elsewhere");
  assert.throws(() => publishProposal(second, folder, signed, NOW), { code: "E_KEYS_MISSING" });
  const complete = readProposal(third, folder, NOW);
  assert.ok(complete !== undefined && canPublish(third, complete));
  publishProposal(third, folder, complete, NOW);
  assert.equal(await sequenceAt(folder, first), 1);
  assert.ok(!existsSync(join(folder, PROPOSAL_FILE)));
  // The next one, by somebody with the online key.
  await publisher.release(folder, 2, { signing: third });
  assert.equal(await sequenceAt(folder, first), 1, "what is published stays while the next one waits");
  const next = signProposal(third, folder, signProposal(first, folder, readProposal(first, folder, NOW)!));
  publishProposal(third, folder, next, NOW);
  assert.equal(await sequenceAt(folder, first), 2);
});

void test("a proposal takes the place of another, and one that was overtaken counts no more", async () => {
  const [first, second, third] = people();
  const folder = fresh();
  await publisher.release(folder, 1, { signing: first });
  const old = readFileSync(join(folder, PROPOSAL_FILE));
  await publisher.release(folder, 2, { signing: second });
  const waiting = readProposal(first, folder, NOW + 10_000);
  assert.deepEqual(
    waiting?.added.map(({ sequence }) => sequence),
    [2],
  );
  publishProposal(third, folder, signProposal(first, folder, waiting), NOW + 10_000);
  writeFileSync(join(folder, PROPOSAL_FILE), old);
  assert.equal(readProposal(first, folder, NOW + 10_000), undefined);
  await publisher.release(folder, 3, { signing: { ...third, keys: [...first.keys, ...third.keys] } });
  assert.equal(existsSync(join(folder, PROPOSAL_FILE)), false, "who can sign alone leaves nothing that waits");
});

void test("a proposal that says more than that a release comes is not signed", async () => {
  const [first, second, third] = people();
  const folder = fresh();
  await publisher.release(folder, 1, { signing: first });
  publishProposal(third, folder, signProposal(third, folder, readProposal(third, folder, NOW)!), NOW);
  await publisher.release(folder, 2, { signing: first });
  const [path, honest] = [join(folder, PROPOSAL_FILE), readFileSync(join(folder, PROPOSAL_FILE))];
  const attacks: Readonly<Record<string, (signed: Record<string, unknown>) => void>> = {
    "a release is gone": (signed) => delete (signed["targets"] as Record<string, unknown>)["releases/1.json"],
    "a release is another": (signed) => {
      const [old] = Object.values(signed["targets"] as Record<string, { hashes: { sha256: string } }>);
      old!.hashes.sha256 = "0".repeat(64);
    },
    "the new one is another": (signed) => {
      const last = Object.values(signed["targets"] as Record<string, { length: number }>).at(-1);
      last!.length += 1;
    },
    "it is good for too long": (signed) => (signed["expires"] = "2099-01-01T00:00:00Z"),
    "it delegates to others": (signed) => (signed["delegations"] = { keys: {}, roles: [] }),
  };
  for (const [what, change] of Object.entries(attacks)) {
    writeFileSync(path, honest);
    alter(folder, change);
    const before = readFileSync(path);
    assert.throws(() => readProposal(second, folder, NOW + 1000), { code: /E_KEYS_PROPOSAL|E_TRUST_MALFORMED/ }, what);
    assert.deepEqual(readFileSync(path), before, what);
  }
  // An older list is no proposal; a manifest that was exchanged is found.
  writeFileSync(path, honest);
  alter(folder, (signed) => (signed["version"] = 1));
  assert.equal(readProposal(second, folder, NOW), undefined);
  writeFileSync(path, honest);
  const manifest = join(folder, "releases/2.json");
  writeFileSync(manifest, readFileSync(join(folder, "releases/1.json")));
  assert.throws(() => readProposal(second, folder, NOW + 1000), { code: "E_KEYS_PROPOSAL", message: /is not the one that it lists/ });
});

void test("signatures of others, and bad ones, do not count", async () => {
  const [first, second] = people();
  const [stranger] = people();
  const folder = fresh();
  await publisher.release(folder, 1, { signing: first });
  const path = join(folder, PROPOSAL_FILE);
  const { signed, signatures } = JSON.parse(readFileSync(path, "utf8")) as { signed: object; signatures: { keyid: string; sig: string }[] };
  const [good] = signatures;
  const bad = { keyid: second.keys[0]!.file.keyid, sig: good!.sig };
  const other = { keyid: stranger.keys[0]!.file.keyid, sig: good!.sig };
  writeFileSync(path, canonicalJson({ signed, signatures: [good, bad, other] }));
  const waiting = readProposal(second, folder, NOW + 1000)!;
  assert.equal(waiting.have, 1);
  assert.throws(() => readProposal(stranger, folder, NOW + 1000), { code: "E_KEYS_PROPOSAL", message: /none of the keys/ });
  const kept = JSON.parse(signProposal(second, folder, waiting).bytes.toString("utf8")) as { signatures: { keyid: string }[] };
  assert.equal(kept.signatures.length, 2);
});

void test("a root is signed in turns, too; what is proposed is what a rotation makes, and nothing else", () => {
  const [first, second, third] = people();
  const gone = third.keys[0]!.file.keyid;
  const proposed = rotateRing(first, { revoke: gone.slice(0, 12), add: true, plain: true, now: SECONDS });
  assert.deepEqual([proposed.roots.length, readProposedRoot(proposed, SECONDS)?.have], [1, 1]);
  assert.throws(() => rotateRing(proposed, { add: true, plain: true, now: SECONDS }), { code: "E_KEYS_PROPOSAL" });
  const name = "2.root.proposed.json";
  const bytes = readFileSync(join(first.folder, name));
  copyFileSync(join(first.folder, name), join(second.folder, name));
  const waiting = readProposedRoot(second, SECONDS)!;
  assert.deepEqual([waiting.goes, waiting.comes.length], [[gone], 1]);
  const attacks: Readonly<
    Record<string, (signed: { roles: Record<string, { threshold: number; keyids: string[] }>; expires: string }) => void>
  > = {
    "a lower threshold": ({ roles }) => (roles["root"]!.threshold = 1),
    "one more key goes": ({ roles }) => roles["targets"]!.keyids.shift(),
    "it is good for too long": (signed) => (signed.expires = "2099-01-01T00:00:00Z"),
  };
  for (const [what, change] of Object.entries(attacks)) {
    const { signed, signatures } = JSON.parse(bytes.toString("utf8")) as { signed: never; signatures: unknown };
    change(signed);
    writeFileSync(join(second.folder, name), canonicalJson({ signed, signatures }));
    assert.throws(() => readProposedRoot(second, SECONDS), { code: "E_KEYS_PROPOSAL" }, what);
  }
  writeFileSync(join(second.folder, name), bytes);
  const next = signProposedRoot(second, readProposedRoot(second, SECONDS)!);
  assert.equal(next.roots.length, 2);
  second.root.verifyDelegate("root", next.root);
  next.root.verifyDelegate("root", next.root);
  assert.ok(!readdirSync(second.folder).includes(name));
});
