/**
 * The client's workflow where nobody attacks, and metadata of any bytes. The order of requests and what is kept after a failure are
 * those that the public tuf-conformance suite asks of clients (its facts, in our words).
 */
import assert from "node:assert/strict";
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import * as fc from "fast-check";
import { makeKeys, trustIn } from "../../../test/support/keys.ts";
import { publisherHere } from "../../../test/support/machine-lab.ts";
import { AshlarError } from "../../errors.ts";
import { fetchRelease } from "../fetch.ts";
import { openSource } from "../source.ts";
import type { ReleaseSource } from "../stream.ts";
import { refreshTrust } from "./client.ts";
import type { TrustedMetadata } from "./client.ts";
import { placeFiles } from "./place.ts";
import { rotateRing } from "./rotation.ts";
import { targetsOfFolder, writeTrust } from "./folder.ts";

const { home, publisher } = await publisherHere();
const at = (name: string): string => join(home.path, name);
const NOW = Math.floor(Date.now() / 1000);
let root: Buffer;

before(async () => {
  root = publisher.keys.roots[0] ?? Buffer.alloc(0);
  await publisher.release(at("releases"), 1);
  await publisher.release(at("releases"), 2, { channel: "beta" });
});

/** A look that notes what was asked for and what was kept. */
async function look(
  folder: string,
  trusted: TrustedMetadata,
  now = NOW,
): Promise<{ asked: string[]; kept: TrustedMetadata; error?: unknown }> {
  const inner = openSource(folder);
  const asked: string[] = [];
  const source: ReleaseSource = { ...inner, open: (path, ...rest) => (asked.push(path), inner.open(path, ...rest)) };
  let kept = trusted;
  try {
    await refreshTrust(source, { trusted, now, remember: (verified) => void (kept = verified) });
    return { asked, kept };
  } catch (error) {
    return { asked, kept, error };
  }
}

void test("the first look asks for the next root, timestamp, snapshot and targets; the second for no more than is new", async () => {
  const first = await look(at("releases"), { root });
  assert.equal(first.error, undefined);
  assert.deepEqual(
    first.asked.map((path) => path.replace(/\d{5,}/, "N")),
    ["trust/2.root.json", "trust/timestamp.json", "trust/N.snapshot.json", "trust/N.targets.json"],
  );
  const second = await look(at("releases"), first.kept);
  assert.deepEqual(second.asked, ["trust/2.root.json", "trust/timestamp.json"]);
  assert.deepEqual(second.kept, first.kept);
});

void test("a renewed place has a new timestamp and snapshot; targets do not travel again", async () => {
  const folder = at("renewed");
  cpSync(at("releases"), folder, { recursive: true });
  const known = (await look(folder, { root })).kept;
  const online = { ...publisher.keys, keys: publisher.keys.keys.filter(({ path }) => path.endsWith("online-1.key")) };
  writeTrust(folder, placeFiles({ signing: online, before: targetsOfFolder(folder), where: folder, now: Date.now() }));
  const { asked, error } = await look(folder, known);
  assert.equal(error, undefined);
  assert.deepEqual(
    asked.map((path) => path.replace(/\d{5,}/, "N")),
    ["trust/2.root.json", "trust/timestamp.json", "trust/N.snapshot.json"],
  );
});

void test("roots are followed one after the other and kept, also when what comes after them fails", async () => {
  const folder = at("rotated");
  cpSync(at("releases"), folder, { recursive: true });
  const ring = [1, 2, 3].reduce((keys) => rotateRing(keys, { add: true, plain: true, now: NOW }), makeCopy());
  writeTrust(folder, placeFiles({ signing: ring, before: targetsOfFolder(folder), where: folder, now: Date.now() }));
  rmSync(join(folder, "trust/timestamp.json"));
  const { asked, kept, error } = await look(folder, { root });
  assert.deepEqual(asked.slice(0, 4), ["trust/2.root.json", "trust/3.root.json", "trust/4.root.json", "trust/5.root.json"]);
  assert.equal((error as AshlarError).code, "E_TRUST_INCOMPLETE");
  assert.deepEqual(kept.root, ring.roots[3]);

  function makeCopy(): typeof publisher.keys {
    return publisher.keys;
  }
});

void test("an image's expired root is good enough to find the next one with", async () => {
  const keys = makeKeys(at("old-keys"), { now: NOW - 4000 * 86_400 });
  const folder = at("old");
  await publisher.release(folder, 1, { signing: rotateRing(keys, { add: true, plain: true, now: NOW }) });
  assert.equal((await look(folder, { root: keys.roots[0] ?? root })).error, undefined);
  rmSync(join(folder, "trust/2.root.json"));
  assert.equal(((await look(folder, { root: keys.roots[0] ?? root })).error as AshlarError).code, "E_TRUST_EXPIRED");
});

void test("a channel has its own newest release, and one without a release is named with those that there are", async () => {
  const source = openSource(at("releases"));
  assert.equal((await fetchRelease(source, trustIn(publisher.keys))).release.sequence, 1);
  assert.equal((await fetchRelease(source, trustIn(publisher.keys, { channel: "beta" }))).release.sequence, 2);
  await assert.rejects(fetchRelease(source, trustIn(publisher.keys, { channel: "nightly" })), {
    code: "E_TRUST_CHANNEL",
    message: /no release of the channel nightly/,
    hint: /there is: beta, stable/,
  });
});

void test("any change of a byte of any metadata is refused with an error of its own, or changes nothing that counts", async () => {
  const folder = at("fuzzed");
  cpSync(at("releases"), folder, { recursive: true });
  const { release } = await fetchRelease(openSource(folder), trustIn(publisher.keys, { channel: "beta" }));
  const current = (await look(folder, { root })).asked.slice(1);
  const files = current.map((path) => ({ path: join(folder, path), bytes: readFileSync(join(folder, path)) }));
  const change = fc.record({ file: fc.nat(files.length - 1), place: fc.nat(), value: fc.nat(255), cut: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(change, async ({ file, place, value, cut }) => {
      const { path, bytes } = files[file]!;
      const spoiled = Buffer.from(bytes);
      const where = place % bytes.length;
      spoiled.writeUInt8(value, where);
      writeFileSync(path, cut ? spoiled.subarray(0, where) : spoiled);
      try {
        const found = await fetchRelease(openSource(folder), trustIn(publisher.keys, { channel: "beta" }));
        assert.deepEqual(found.release, release);
      } catch (error) {
        assert.ok(error instanceof AshlarError && error.code.startsWith("E_TRUST_"), String(error));
      } finally {
        writeFileSync(path, bytes);
      }
    }),
    { numRuns: Number(process.env["ASHLAR_FUZZ_RUNS"] ?? 300) },
  );
});

void test("metadata of any JSON is refused with an error of its own", async () => {
  const folder = at("json");
  cpSync(at("releases"), folder, { recursive: true });
  const path = join(folder, "trust/2.root.json");
  const good = JSON.parse(root.toString("utf8")) as { signed: object; signatures: unknown[] };
  const value = fc.oneof(
    fc.jsonValue(),
    fc.record({ signed: fc.jsonValue(), signatures: fc.jsonValue() }),
    fc
      .tuple(fc.constantFrom("keys", "roles", "version", "expires", "_type", "spec_version", "consistent_snapshot"), fc.jsonValue())
      .map(([name, given]) => ({
        ...good,
        signed: { ...good.signed, version: 2, [name]: given },
      })),
  );
  await fc.assert(
    fc.asyncProperty(value, async (metadata) => {
      writeFileSync(path, JSON.stringify(metadata));
      const { error } = await look(folder, { root });
      assert.ok(
        error instanceof AshlarError && /^E_TRUST_(MALFORMED|ROOT)$/.test(error.code),
        `${JSON.stringify(metadata)}: ${String(error)}`,
      );
    }),
    { numRuns: Number(process.env["ASHLAR_FUZZ_RUNS"] ?? 300) },
  );
});

void test("publishing leaves no temporary files and keeps 32 releases of a channel in the list, and every barrier", async () => {
  const folder = at("many");
  for (let version = 1; version <= 38; version++)
    await publisher.release(folder, 1, { channel: version % 12 === 0 ? "beta" : "stable", barrier: version === 2 });
  assert.deepEqual(
    readdirSync(join(folder, "trust")).filter((name) => !/^(\d+\.)?(root|targets|snapshot|timestamp)\.json$/.test(name)),
    [],
  );
  const { signed } = JSON.parse(targetsOfFolder(folder)?.toString("utf8") ?? "") as {
    signed: { targets: Record<string, { custom: { channel: string } }> };
  };
  const of = (channel: string): string[] =>
    Object.entries(signed.targets).flatMap(([path, { custom }]) => (custom.channel === channel ? [path] : []));
  assert.equal(of("beta").length, 3);
  assert.equal(of("stable").length, 33);
  assert.ok(of("stable").includes("releases/2.json"));
  assert.ok(!of("stable").includes("releases/1.json"));
});
