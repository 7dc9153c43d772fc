/** An upgrade killed with SIGKILL at random moments: the old generation starts, and the next upgrade is right. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { publish } from "../../src/registry/publish.ts";
import { silentReporter } from "../../src/report/reporter.ts";
import { ashlar, bootState, json, openLab, publisherHere } from "../support/machine-lab.ts";
import { makeImage, noise } from "../support/release-fixture.ts";

const KILLS = 10;
const AGENT = new URL("../../src/agent/main.ts", import.meta.url).pathname;
const { home, publisher } = await publisherHere();

/** @returns milliseconds that it ran, and whether it came to its end */
async function upgradeKilledAfter(root: string, milliseconds: number): Promise<{ took: number; finished: boolean }> {
  const started = performance.now();
  const child = spawn(process.execPath, [AGENT, "upgrade", "--root", root, "--progress", "quiet"], { stdio: "ignore" });
  const exit = once(child, "exit");
  const waiting = new AbortController();
  await Promise.race([exit, sleep(milliseconds, undefined, { signal: waiting.signal }).catch(() => {})]);
  waiting.abort();
  child.kill("SIGKILL");
  await exit;
  return { took: performance.now() - started, finished: child.exitCode === 0 };
}

test("ten upgrades killed at random moments leave a machine that starts, and that upgrades", async () => {
  const lab = await openLab(join(home.path, "lab"), publisher);
  const { machine } = lab;
  const files = Array.from({ length: 200 }, (_, at) => noise(5000 + at, 60_000));
  const image = makeImage(publisher.store, files);
  await publish({ image, store: publisher.store, folder: lab.releases, signing: publisher.keys, report: silentReporter });
  const pristine = join(home.path, "pristine");
  cpSync(machine.root, pristine, { recursive: true, verbatimSymlinks: true });
  const reset = (): void => {
    rmSync(machine.root, { recursive: true });
    cpSync(pristine, machine.root, { recursive: true, verbatimSymlinks: true });
  };
  const whole = await upgradeKilledAfter(machine.root, 60_000);
  assert.ok(whole.finished);
  reset();
  const old = bootState(machine);
  let killed = 0;
  for (let attempt = 0; attempt < KILLS; attempt++) {
    // The random part makes every run another test.
    const { finished } = await upgradeKilledAfter(machine.root, whole.took * (0.3 + 0.7 * Math.random()));
    const { next } = await json<{ next: { generation: number } }>(machine, "status");
    assert.equal(finished && next.generation !== 2, false);
    if (!finished) killed++;
    if (next.generation === 1) {
      // At most the new record and kernel are there, which no entry refers to.
      const now = bootState(machine);
      for (const [path, content] of Object.entries(old)) assert.equal(now[path], content, path);
    }
    // Half of the attempts go on with what the one before left.
    if (finished || attempt % 2 === 1) reset();
  }
  assert.ok(killed > 0, "no upgrade was slow enough to be killed");
  assert.equal((await json(machine, "upgrade"))["generation"], 2);
  assert.equal(machine.boot(), 2);
  assert.equal((await ashlar(machine, "fsck")).exitCode, 0);
  assert.deepEqual((await json<{ problems: unknown[] }>(machine, "status")).problems, []);
});
