/** Commands about data on a machine in a folder. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { forgetOthers, installedGeneration, requestReset } from "#deployment/reset.ts";
import { SYSTEM } from "../../test/support/lock-fixture.ts";
import { ashlar, json, openLab, publisherHere } from "../../test/support/machine-lab.ts";
import type { Lab } from "../../test/support/machine-lab.ts";

const { home, publisher } = await publisherHere();

/** A machine whose config says something about data. */
async function labWith(name: string, state: Partial<(typeof SYSTEM)["state"]> = {}, installed = true): Promise<Lab> {
  const lab = await openLab(join(home.path, name), publisher);
  const path = join(lab.machine.root, "usr/lib/ashlar/system.json");
  const system = JSON.parse(readFileSync(path, "utf8")) as { updates: object };
  const updates = { ...system.updates, retention: { count: 2, installed } };
  writeFileSync(path, JSON.stringify({ ...SYSTEM, ...system, updates, state: { ...SYSTEM.state, ...state } }));
  return lab;
}

function put(lab: Lab, path: string, text: string): void {
  mkdirSync(dirname(join(lab.machine.root, path)), { recursive: true });
  writeFileSync(join(lab.machine.root, path), text);
}

test("sizes, growth and first generation of what is declared", { skip: process.getuid?.() !== 0 && "needs root" }, async () => {
  const lab = await labWith("sizes", { var: { "/var/lib/app": "state" } });
  put(lab, "var/lib/app/data", "x".repeat(5000));
  const find = async (): Promise<{ bytes: number; growth?: number; since?: number; class: string } | undefined> =>
    (await json<{ state: { path: string; bytes: number; class: string }[] }>(lab.machine, "state")).state.find(
      ({ path }) => path === "/var/lib/app",
    );
  const first = await find();
  assert.deepEqual([first?.class, first?.since, first?.growth], ["state", 1, undefined]);
  put(lab, "var/lib/app/more", "x".repeat(8000));
  assert.equal((await find())?.growth, 8192);
  assert.equal((await find())?.growth, 0);
});

test("what is kept is no longer unknown, and the config line is said", { skip: process.getuid?.() !== 0 && "needs root" }, async () => {
  const lab = await labWith("unknown");
  put(lab, "var/lib/mystery/file", "x");
  const unknown = async (): Promise<string[]> =>
    (await json<{ unknown: { path: string }[] }>(lab.machine, "state", "unknown")).unknown.map(({ path }) => path);
  assert.deepEqual(await unknown(), ["/var/lib/mystery"]);
  const kept = await json(lab.machine, "state", "keep", "/var/lib/mystery");
  assert.equal(kept["config"], 'state: { var: { "/var/lib/mystery": "state" } }');
  assert.equal(readFileSync(join(lab.machine.root, "sysroot/state/ashlar/kept"), "utf8"), "/var/lib/mystery\n");
  assert.deepEqual(await unknown(), []);
  await json(lab.machine, "state", "forget", "/var/lib/mystery");
  assert.deepEqual(await unknown(), ["/var/lib/mystery"]);
  for (const path of ["/etc/passwd", "/var/lib/gone", "/var/../etc", "var/lib", "/var/lib/a\nb"]) {
    const { exitCode, err } = await ashlar(lab.machine, "state", "keep", path, "--json");
    assert.equal(exitCode, 1, path);
    assert.match(err, /E_STATE_PATH/);
  }
});

test("a path of a wiped tree comes back, from the newest that has it, and never over something else", async () => {
  const lab = await labWith("wiped");
  for (const [tree, text] of [
    ["000002", "older"],
    ["000010", "newer"],
  ] as const)
    put(lab, `sysroot/state/wiped/${tree}/var/lib/app/file`, text);
  put(lab, "sysroot/state/wiped/000011/var/lib/other", "x");
  const { trees } = await json<{ trees: { number: number }[] }>(lab.machine, "state", "recover");
  assert.deepEqual(
    trees.map(({ number }) => number),
    [2, 10, 11],
  );
  await json(lab.machine, "state", "recover", "/var/lib/app");
  assert.equal(readFileSync(join(lab.machine.root, "sysroot/state/var/lib/app/file"), "utf8"), "newer");
  assert.match((await ashlar(lab.machine, "state", "recover", "2", "/var/lib/app", "--json")).err, /E_STATE_EXISTS/);
  assert.match((await ashlar(lab.machine, "state", "recover", "2", "/var/lib/other", "--json")).err, /E_STATE_NONE/);
  assert.match((await ashlar(lab.machine, "state", "recover", "2", "/var/../etc/passwd", "--json")).err, /E_STATE_PATH/);
});

test("a reset is asked for by two durable steps, and forgets all other generations only when it is done", async () => {
  const lab = await labWith("reset");
  for (const release of [2, 3, 4]) {
    await publisher.release(lab.releases, release);
    await json(lab.machine, "upgrade");
    assert.equal(lab.machine.boot(), release);
  }
  const { kept } = await json<{ kept: { generation: number; why: string }[] }>(lab.machine, "collect");
  assert.deepEqual(
    kept.map(({ generation, why }) => [generation, why]),
    [
      [1, "installed"],
      [3, "good"],
      [4, "running"],
    ],
  );
  const asked = await ashlar(lab.machine, "reset", "--json");
  assert.equal(asked.exitCode, 2);
  assert.match(asked.err, /E_RESET_CONFIRM/);
  assert.equal(existsSync(join(lab.machine.root, "sysroot/ashlar/reset")), false);
  // Images of this test have no initrd that could do it.
  assert.match((await ashlar(lab.machine, "reset", "--yes", "--json")).err, /E_RESET_NONE/);
  const { machine, loader } = lab.machine.open();
  requestReset(machine, loader, { installed: installedGeneration(machine, loader), kind: "erase" });
  assert.equal(readFileSync(join(lab.machine.root, "sysroot/ashlar/reset"), "utf8"), "1 erase\n");
  assert.equal(lab.machine.boot(), 1);
  const started = lab.machine.open();
  assert.deepEqual(forgetOthers(started.machine, started.loader), [3, 4]);
  await publisher.release(lab.releases, 5);
  const upgraded = await json<{ generation: number }>(lab.machine, "upgrade");
  assert.equal(upgraded.generation, 5, "numbers are never used twice");
});

test("without the installed generation there is nothing to reset to, and it is said", async () => {
  const lab = await labWith("gone", {}, false);
  for (const release of [12, 13, 14]) {
    await publisher.release(lab.releases, release);
    await json(lab.machine, "upgrade");
    lab.machine.boot();
  }
  await json(lab.machine, "collect");
  const { exitCode, err } = await ashlar(lab.machine, "reset", "--yes", "--json");
  assert.equal(exitCode, 1);
  assert.match(err, /E_RESET_NONE.*updates\.retention\.installed/);
});

test("a generation whose trial fails takes what it wrote with it; a good one's data stops an older service", async () => {
  const lab = await labWith("fallback");
  const writes = (version: number): void => {
    const path = join(lab.machine.root, "usr/lib/ashlar/system.json");
    const system = JSON.parse(readFileSync(path, "utf8")) as typeof SYSTEM;
    const schemas = { "db.service": { paths: ["/var/lib/db"], version, snapshot: true } };
    writeFileSync(path, JSON.stringify({ ...system, state: { ...system.state, schemas } }));
  };
  const check = (): Promise<Record<string, unknown>> => json(lab.machine, "state", "check", "db.service");
  const data = join(lab.machine.root, "sysroot/state/var/lib/db/table");
  writes(1);
  assert.equal((await check())["outcome"], "first");
  put(lab, "sysroot/state/var/lib/db/table", "one");
  await publisher.release(lab.releases, 2);
  await json(lab.machine, "upgrade");
  for (let start = 1; start <= 3; start++) assert.equal(lab.machine.boot(false), 2);
  writes(2);
  assert.equal((await check())["outcome"], "snapshotted");
  writeFileSync(data, "two");
  assert.equal(lab.machine.boot(), 1);
  writes(1);
  const back = await check();
  assert.deepEqual([back["outcome"], back["because"]], ["restored", "trial failed"]);
  assert.equal(readFileSync(data, "utf8"), "one");
  await publisher.release(lab.releases, 3);
  await json(lab.machine, "upgrade");
  assert.equal(lab.machine.boot(), 3);
  writes(2);
  await check();
  writeFileSync(data, "two");
  writes(1);
  assert.match((await ashlar(lab.machine, "state", "check", "db.service", "--json")).err, /E_STATE_TOO_NEW/);
  assert.equal(readFileSync(data, "utf8"), "two");
});

test("wrong words after state are named", async () => {
  const lab = await labWith("words");
  for (const args of [
    ["state", "kep"],
    ["state", "keep"],
    ["state", "recover", "x"],
    ["state", "snapshots", "x"],
    ["state", "check", "none.service"],
  ])
    assert.notEqual((await ashlar(lab.machine, ...args)).exitCode, 0, args.join(" "));
  assert.match((await ashlar(lab.machine, "state", "kep")).err, /there is no `state kep`/);
});
