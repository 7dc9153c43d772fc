/** What a machine keeps of whom it trusts, and when it does not count. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { publish } from "#registry/publish.ts";
import { rotateRing } from "#registry/trust/rotation.ts";
import { silentReporter } from "#report/reporter.ts";
import { makeKeys, rootOf } from "../../../test/support/keys.ts";
import { ashlar, json } from "../../../test/support/machine-lab.ts";
import { openTrustLab, refuses, upgradeAt } from "../../../test/support/trust-lab.ts";
import { configure } from "../../../test/support/updates.ts";
import { openContext, systemOf } from "../context.ts";
import { readTrusted } from "./trusted.ts";

const now = (): number => Math.floor(Date.now() / 1000);

void test("a spoiled file is said, and the image's root counts until the next look makes it again", async () => {
  await using lab = await openTrustLab();
  const path = join(lab.machine.root, "sysroot/ashlar/trust.json");
  const good = readFileSync(path, "utf8");
  const state = (): ReturnType<typeof readTrusted> => {
    const { machine } = openContext(lab.machine.root, silentReporter, 80);
    return readTrusted(machine, systemOf(machine));
  };
  assert.equal(state().problem, undefined);
  for (const text of [
    "",
    "{",
    "[]",
    good.slice(0, 300),
    good.replace('"version":1', '"version":2'),
    JSON.stringify({ version: 1, roots: [], root: "{}" }),
  ]) {
    writeFileSync(path, text);
    assert.match(state().problem ?? "", /trust\.json cannot be read/);
    assert.equal(state().trusted?.root.toString("utf8"), rootOf(lab.publisher.keys));
  }
  assert.equal((await upgradeAt(lab, {}))["outcome"], "current");
  assert.equal(readFileSync(path, "utf8"), good);
  assert.deepEqual(
    readdirSync(join(lab.machine.root, "sysroot/ashlar")).filter((name) => name.includes("tmp")),
    [],
  );
});

void test("a newer root in an image counts, an older one does not; another lineage does when it is not older", async () => {
  await using lab = await openTrustLab();
  const { keys } = lab.publisher;
  const rotated = rotateRing(keys, { add: true, plain: true, now: now() });
  const trustedWith = (root: string): string | undefined => {
    configure(lab.machine, { updates: { root } });
    const { machine } = openContext(lab.machine.root, silentReporter, 80);
    return readTrusted(machine, systemOf(machine)).trusted?.root.toString("utf8");
  };
  const [first, second] = rotated.roots.map(String);
  assert.equal(trustedWith(second ?? ""), second);
  configure(lab.machine, { updates: { root: first ?? "" } });
  await lab.publisher.release(lab.releases, 2, { signing: rotated });
  await upgradeAt(lab, {});
  assert.equal(trustedWith(first ?? ""), second, "going back does not make old keys good");
  const other = makeKeys(lab.at("other"));
  assert.equal(trustedWith(rootOf(other)), second);
  const newer = rotateRing(other, { add: true, plain: true, now: now() });
  assert.equal(trustedWith(String(newer.roots[1])), String(newer.roots[1]));
});

void test("a machine whose image names nobody takes nothing, and says what to do", async () => {
  await using lab = await openTrustLab();
  const { machine } = lab;
  const path = join(machine.root, "usr/lib/ashlar/system.json");
  const system = JSON.parse(readFileSync(path, "utf8")) as { updates: Record<string, unknown> };
  const { root: _root, ...updates } = system.updates;
  writeFileSync(path, JSON.stringify({ ...system, updates }));
  await import("node:fs").then(({ rmSync }) => rmSync(join(machine.root, "sysroot/ashlar/trust.json")));
  await lab.publisher.release(lab.releases, 2);
  const error = await refuses(lab, "E_TRUST_NO_ROOT");
  assert.match(error.hint ?? "", /updates\.root.*--unsafe-unsigned/);
  assert.equal(existsSync(join(machine.root, "sysroot/ashlar/trust.json")), false);
});

void test("a clock before the image's own time is said to be wrong, before anything is asked", async () => {
  await using lab = await openTrustLab();
  const { image } = await lab.publisher.release(lab.releases, 2);
  const { store, keys } = lab.publisher;
  await publish({ image: { ...image, epoch: 1_700_000_000 }, store, folder: lab.releases, signing: keys, report: silentReporter });
  await upgradeAt(lab, {});
  lab.machine.boot();
  await lab.publisher.release(lab.releases, 4);
  const error = await refuses(lab, "E_TRUST_CLOCK", {}, 3600);
  assert.match(error.message, /clock says 1970-01-01 01:00, but what it runs was made at 2023-11-14 22:13/);
  assert.equal((await upgradeAt(lab, {}))["outcome"], "staged");
});

void test("a machine that was installed from a disk knows by its image where it stands: barriers behind it do not count", async () => {
  await using lab = await openTrustLab();
  const { release } = lab.publisher;
  const folder = lab.at("later");
  await release(folder, 7, { barrier: true });
  await release(folder, 1);
  await release(folder, 8);
  assert.equal((await upgradeAt(lab, { from: folder }))["release"], 3, "it runs release 2 of that folder");
});

void test("status --json has what a script needs to see that a barrier was taken", async () => {
  await using lab = await openTrustLab();
  await lab.publisher.release(lab.releases, 2, { barrier: true });
  await lab.publisher.release(lab.releases, 3);
  const taken = await json<{ release: number; barrierTo: number; signers: string[] }>(lab.machine, "upgrade");
  assert.deepEqual([taken.release, taken.barrierTo, taken.signers.length], [2, 3, 2]);
  assert.match((await ashlar(lab.machine, "upgrade")).out, /Release 3 comes after it: this one has to run first/);
});
