/** Several sources: which of them a release comes from, and what one that is behind, down or lying costs. */
import assert from "node:assert/strict";
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { serveFolder } from "#registry/serve.ts";
import { ashlar, bootState, json, openLab, publisherHere } from "../../../test/support/machine-lab.ts";
import type { Lab } from "../../../test/support/machine-lab.ts";
import { configure } from "../../../test/support/updates.ts";

interface Upgraded {
  readonly outcome: string;
  readonly release: number;
  readonly served: readonly string[];
  readonly passed: readonly { readonly address: string; readonly why: string }[];
  readonly follows?: string;
}

const { home: place, publisher } = await publisherHere();
const at = (name: string): string => join(place.path, name);

/** A machine of release 1, and a folder with release 2 too. */
async function lab(name: string): Promise<Lab> {
  const made = await openLab(at(name), publisher);
  cpSync(made.releases, at(`${name}/behind`), { recursive: true });
  await publisher.release(made.releases, 2);
  return made;
}

void test("the newest release of all sources is taken, and those that are down or behind are told", async () => {
  const { machine, releases } = await lab("several");
  const down = "http://127.0.0.1:9";
  configure(machine, { updates: { source: [down, at("several/behind"), releases] } });
  const found = await json<Upgraded>(machine, "upgrade");
  assert.equal(found.outcome, "staged");
  assert.equal(found.release, 2);
  assert.deepEqual(found.served, [releases]);
  assert.deepEqual(
    found.passed.map(({ address }) => address),
    [down, at("several/behind")],
  );
  assert.match(found.passed[1]?.why ?? "", /release 1, which is behind/);
  const status = await json<{ updates: { look: { passed: unknown } } }>(machine, "status");
  assert.deepEqual(status.updates.look.passed, found.passed);
});

void test("when the first mirror turns out to lack or to lie about objects, the next one goes on", async () => {
  const { machine, releases } = await lab("lying");
  cpSync(releases, at("lying/mirror"), { recursive: true });
  for (const better of ["deltas", "packs"]) rmSync(at(`lying/mirror/${better}`), { recursive: true, force: true });
  for (const folder of readdirSync(at("lying/mirror/objects")))
    for (const name of readdirSync(at(`lying/mirror/objects/${folder}`)))
      writeFileSync(at(`lying/mirror/objects/${folder}/${name}`), "no zstd frame");
  configure(machine, { updates: { source: [at("lying/mirror"), releases] } });
  const found = await json<Upgraded>(machine, "upgrade");
  assert.equal(found.outcome, "staged");
  assert.deepEqual(found.served, [releases]);
  assert.match(found.passed[0]?.why ?? "", /is not object/);
});

void test("when no source helps, each of them is named and nothing has changed", async () => {
  const { machine } = await lab("none");
  const state = bootState(machine);
  rmSync(at("none/releases"), { recursive: true });
  configure(machine, { updates: { source: [at("none/releases"), "http://127.0.0.1:9"] } });
  const { exitCode, err } = await ashlar(machine, "upgrade");
  assert.equal(exitCode, 1);
  assert.match(err, /none of the 2 sources has a release[^]*none\/releases[^]*127\.0\.0\.1:9/);
  assert.match(err, /E_UPDATE_SOURCES/);
  assert.deepEqual(bootState(machine), state);
  assert.match((await ashlar(machine, "status")).out, /The last look for a release failed: none of the 2 sources/);
});

void test("a source that was switched to is followed from then on, until the config's counts again", async () => {
  const { machine, releases } = await lab("switch");
  cpSync(releases, at("switch/other"), { recursive: true });
  assert.equal((await ashlar(machine, "switch")).exitCode, 2);
  const switched = await json<Upgraded>(machine, "switch", at("switch/other"));
  assert.equal(switched.follows, at("switch/other"));
  await publisher.release(at("switch/other"), 3);
  assert.equal((await json<Upgraded>(machine, "upgrade")).release, 3);
  assert.match((await ashlar(machine, "status")).out, /Upgrades come from .*switch\/other/);
  assert.equal((await json(machine, "switch", "--reset"))["changed"], true);
  assert.equal((await json(machine, "switch", "--reset"))["changed"], false);
  // The config's folder has release 2 only, which this machine is past.
  assert.match((await ashlar(machine, "upgrade")).err, /E_TRUST_ROLLBACK/);
});

void test("a source that shows nothing to take is not switched to", async () => {
  const { machine } = await lab("unswitched");
  assert.equal((await ashlar(machine, "switch", at("unswitched"))).exitCode, 1);
  const { updates } = await json<{ updates: { follows?: string } }>(machine, "status");
  assert.equal(updates.follows, undefined);
});

void test("checking changes nothing, downloading brings everything, and what was downloaded survives a collection", async () => {
  const { machine, releases } = await lab("ahead");
  await using server = { ...(await serveFolder(releases)), [Symbol.asyncDispose]: () => Promise.resolve() };
  configure(machine, { updates: { source: [server.address] } });
  const state = bootState(machine);
  type Checked = { outcome: string; missing: { objects: number; bytes: number }; wire: { bytes: number; exact: boolean } };
  const checked = await json<Checked>(machine, "upgrade", "--check");
  assert.equal(checked.outcome, "available");
  assert.ok(checked.missing.objects >= 2 && checked.missing.bytes > 9000, JSON.stringify(checked.missing));
  assert.match((await ashlar(machine, "status")).out, /Release 2 is available at http[^\n]* to fetch\. To run it: no reboot/);
  const offered = server.sent();
  const downloaded = await json<{ outcome: string }>(machine, "upgrade", "--download");
  assert.equal(downloaded.outcome, "downloaded");
  // Beside the objects travels the release itself.
  const sent = server.sent() - offered;
  assert.ok(
    checked.wire.exact && sent >= checked.wire.bytes && sent < checked.wire.bytes + 4000,
    `${sent}: ${JSON.stringify(checked.wire)}`,
  );
  assert.match((await ashlar(machine, "status")).out, /Release 2 is downloaded; `ashlar upgrade`/);
  assert.deepEqual(bootState(machine), state);
  await json(machine, "collect");
  const before = server.sent();
  const upgraded = await json<{ outcome: string; fetched: { objects: number } }>(machine, "upgrade");
  assert.deepEqual([upgraded.outcome, upgraded.fetched.objects], ["staged", 0]);
  assert.ok(server.sent() - before < 8000, "only the release itself travels again");
  assert.match((await ashlar(machine, "status")).out, /Release 2, the newest, is generation 2\./);
  await server.close();
});

void test("what the last look left is only a memory: one that was spoiled says nothing", async () => {
  const { machine } = await lab("spoiled");
  await json(machine, "upgrade", "--check");
  const path = join(machine.root, "sysroot/ashlar/update.json");
  assert.ok(readFileSync(path, "utf8").includes('"release"'));
  for (const text of ["", "{", "[]", '{"version":2}']) {
    writeFileSync(path, text);
    const { exitCode, out } = await ashlar(machine, "status");
    assert.equal(exitCode, 0);
    assert.doesNotMatch(out, /Looked/);
  }
});
