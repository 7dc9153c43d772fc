/** A release that has to be run first. */
import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { manifestPath } from "#registry/layout.ts";
import { openTrustLab, refuses, upgradeAt } from "../../../support/trust-lab.ts";

void test("a machine below a barrier goes there first, and only once it runs it, further", async () => {
  await using lab = await openTrustLab();
  const { release } = lab.publisher;
  await release(lab.releases, 2);
  await release(lab.releases, 3, { barrier: true });
  await release(lab.releases, 4);
  await release(lab.releases, 5, { barrier: true });
  await release(lab.releases, 6);
  const first = await upgradeAt(lab, {});
  assert.deepEqual([first["outcome"], first["release"], first["barrierTo"]], ["staged", 3, 6]);
  const again = await upgradeAt(lab, {});
  assert.deepEqual([again["outcome"], again["release"]], ["current", 3], "staged is not run");
  lab.machine.boot();
  assert.equal((await upgradeAt(lab, {}))["release"], 5);
  lab.machine.boot();
  const last = await upgradeAt(lab, {});
  assert.deepEqual([last["release"], last["barrierTo"]], [6, undefined]);
});

void test("a source that hides the barrier does not get a machine past it", async () => {
  await using lab = await openTrustLab();
  const { release } = lab.publisher;
  await release(lab.releases, 2, { barrier: true });
  await release(lab.releases, 3);
  const hiding = lab.at("hiding");
  cpSync(lab.releases, hiding, { recursive: true });
  // A difference would bring it all the same.
  for (const path of [manifestPath(2), "deltas"]) rmSync(join(hiding, path), { recursive: true });
  const error = await refuses(lab, "E_TRUST_BARRIER", { from: hiding });
  assert.match(error.message, /lacks release 2, which this machine has to run before release 3/);
  assert.equal((await upgradeAt(lab, {}))["release"], 2);
});

void test("a barrier that fails its trial is not taken again, and nothing beyond it either", async () => {
  await using lab = await openTrustLab();
  const { release } = lab.publisher;
  await release(lab.releases, 2, { barrier: true });
  await release(lab.releases, 3);
  await upgradeAt(lab, {});
  assert.deepEqual([lab.machine.boot(false), lab.machine.boot(false), lab.machine.boot(false), lab.machine.boot()], [2, 2, 2, 1]);
  assert.equal((await upgradeAt(lab, {}))["outcome"], "refused");
});
