/** The machine's program from end to end, on machines in folders, with releases over real HTTP. */
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CHANGED_SIZE, ashlar, bootState, json, openLab, publisherHere } from "../../test/support/machine-lab.ts";
import type { Lab, Publisher } from "../../test/support/machine-lab.ts";
import { manifestPath, objectPath } from "../registry/layout.ts";
import { TIMESTAMP_FILE } from "../registry/trust/layout.ts";
import { publish } from "../registry/publish.ts";
import { serveFolder } from "../registry/serve.ts";
import { silentReporter } from "../report/reporter.ts";
import { COMMANDS } from "./main.ts";
import { USAGE } from "./usage.ts";

const { home, publisher } = await publisherHere();

let labs = 0;
function lab(): Promise<Lab> {
  return openLab(join(home.path, `lab-${++labs}`), publisher);
}

interface Status {
  readonly booted: { readonly generation: number; readonly digest: string };
  readonly next: { readonly generation: number };
  readonly generations: readonly { readonly generation: number; readonly trial: string; readonly pinned: boolean }[];
  readonly problems: readonly string[];
}

test("a machine upgrades over HTTP, starts the new generation, rolls back, and is as before", async () => {
  const { machine, releases } = await lab();
  const before = await json<Status>(machine, "status");
  const second = await publisher.release(releases, 2);
  const server = await serveFolder(releases);
  try {
    const upgraded = await json<{ outcome: string; fetched: { objects: number } }>(machine, "upgrade", "--from", server.address);
    assert.equal(upgraded.outcome, "staged");
    assert.equal(upgraded.fetched.objects, 2, "the changed file and the image that names it");
  } finally {
    await server.close();
  }
  const staged = await json<Status>(machine, "status");
  assert.deepEqual(staged.booted, before.booted, "nothing changes before the reboot");
  assert.equal(staged.next.generation, 2);

  assert.equal(machine.boot(), 2);
  const after = await json<Status>(machine, "status");
  assert.deepEqual(after.booted, { generation: 2, digest: second.image.digest });
  assert.deepEqual(
    after.generations.map(({ trial }) => trial),
    ["good", "good"],
  );

  assert.deepEqual(await json(machine, "rollback"), { generation: 1, changed: true, restart: true, reboot: false });
  assert.equal(machine.boot(), 1);
  assert.deepEqual((await json<Status>(machine, "status")).booted, before.booted);
  assert.equal((await json(machine, "rollback"))["generation"], 2, "and forward again by the same word");
});

test("a rollback before the reboot keeps what runs", async () => {
  const { machine, releases } = await lab();
  await publisher.release(releases, 2);
  await json(machine, "upgrade");
  assert.deepEqual(await json(machine, "rollback"), { generation: 1, changed: true, restart: false, reboot: false });
  assert.equal(machine.boot(), 1);
});

test("an upgrade to what the machine has brings nothing and makes no new generation", async () => {
  const { machine, releases } = await lab();
  assert.equal((await json(machine, "upgrade"))["outcome"], "current");
  await publisher.release(releases, 2);
  await json(machine, "upgrade");
  const before = bootState(machine);
  assert.deepEqual(await json(machine, "upgrade"), { ...(await json(machine, "upgrade")), outcome: "current", generation: 2 });
  assert.deepEqual(bootState(machine), before);
  machine.boot();
  await json(machine, "rollback");
  assert.equal((await json(machine, "upgrade"))["outcome"], "activated", "after a rollback the same release is made the next again");
  assert.equal(machine.boot(), 2);
});

test("a generation that fails its trial three times gives way, is not offered again, and can be retried", async () => {
  const { machine, releases } = await lab();
  await publisher.release(releases, 2);
  await json(machine, "upgrade");
  assert.deepEqual([machine.boot(false), machine.boot(false), machine.boot(false), machine.boot()], [2, 2, 2, 1]);
  const status = await json<Status>(machine, "status");
  assert.match(status.problems.join(), /generation 2 failed its trial/);
  const refused = await ashlar(machine, "upgrade");
  assert.deepEqual([refused.exitCode, /failed its trial as generation 2/.test(refused.out)], [3, true]);
  assert.equal((await ashlar(machine, "rollback", "2")).exitCode, 1);
  // Collecting it does not make the machine forget.
  assert.deepEqual((await json(machine, "collect"))["removed"], [2]);
  assert.equal((await ashlar(machine, "upgrade")).exitCode, 3);
  assert.equal((await json(machine, "upgrade", "--retry"))["outcome"], "staged");
  assert.equal(machine.boot(), 3, "numbers are never used twice");
});

test("upgrades collect what is too old, but never what is pinned, runs, or is the last good one", async () => {
  const { machine, releases } = await lab();
  await json(machine, "pin", "1");
  for (let version = 2; version <= 6; version++) {
    await publisher.release(releases, version);
    assert.equal((await json(machine, "upgrade"))["generation"], version);
    assert.equal(machine.boot(), version);
  }
  const numbers = async (): Promise<number[]> => (await json<Status>(machine, "status")).generations.map(({ generation }) => generation);
  assert.deepEqual(await numbers(), [1, 4, 5, 6]);
  const dry = await json(machine, "collect", "--dry-run");
  assert.deepEqual(dry["removed"], [4]);
  assert.deepEqual(await numbers(), [1, 4, 5, 6]);
  const collected = await json<{ removed: number[]; objects: number; bytes: number }>(machine, "collect");
  assert.deepEqual(collected.removed, [4]);
  assert.ok(collected.objects >= 2 && collected.bytes > CHANGED_SIZE);
  await json(machine, "unpin", "1");
  await json(machine, "collect");
  assert.deepEqual(await numbers(), [5, 6]);
  assert.equal((await ashlar(machine, "fsck")).exitCode, 0);
});

test("whatever is wrong with a release is said, and the machine starts as before", async () => {
  const wrong: readonly [what: string, damage: (lab: Lab) => Promise<void>, code: string][] = [
    ["an altered manifest", async ({ releases }) => append(join(releases, manifestPath(2)), " "), "E_TRUST_MISMATCH"],
    ["no manifest", async ({ releases }) => rmSync(join(releases, manifestPath(2))), "E_TRUST_INCOMPLETE"],
    ["no timestamp", async ({ releases }) => rmSync(join(releases, TIMESTAMP_FILE)), "E_TRUST_INCOMPLETE"],
    ["an empty timestamp", async ({ releases }) => writeFileSync(join(releases, TIMESTAMP_FILE), ""), "E_TRUST_MALFORMED"],
    ["a missing object", async (damaged) => rmSync(await changedObject(damaged)), "E_OBJECT_MISSING"],
    ["an altered object", async (damaged) => flip(await changedObject(damaged)), "E_OBJECT_DIGEST"],
    ["no release folder", async ({ releases }) => rmSync(releases, { recursive: true }), "E_SOURCE_UNREACHABLE"],
  ];
  for (const [what, damage, code] of wrong) {
    const found = await lab();
    await publisher.release(found.releases, 2);
    // Differences would bring what is damaged in another way.
    rmSync(join(found.releases, "deltas"), { recursive: true });
    const before = bootState(found.machine);
    await damage(found);
    const { exitCode, err } = await ashlar(found.machine, "upgrade", "--json");
    assert.equal(exitCode, 1, what);
    const { error } = JSON.parse(err) as { error: { code: string; message: string; hint?: string } };
    assert.equal(error.code, code, what);
    assert.ok(error.message.includes(found.releases), `${what}: the message names the path: ${error.message}`);
    assert.match(`${error.hint}`, /unchanged|nothing/, what);
    assert.deepEqual(bootState(found.machine), before, what);
    assert.equal(found.machine.boot(), 1, what);
  }

  async function changedObject({ releases }: Lab): Promise<string> {
    const { objects } = JSON.parse(readFileSync(join(releases, manifestPath(2)), "utf8")) as Awaited<ReturnType<Publisher["release"]>>;
    const old = new Set(
      (JSON.parse(readFileSync(join(releases, manifestPath(1)), "utf8")) as { objects: { object: string }[] }).objects.map(
        (item) => item.object,
      ),
    );
    const changed = objects.find(({ object, size }) => size === CHANGED_SIZE && !old.has(object));
    assert.ok(changed);
    return join(releases, objectPath(changed.object));
  }
});

test("a kernel that no firmware can load is refused before it has a boot entry", async () => {
  const { machine, releases } = await lab();
  const { image } = await publisher.release(releases, 2);
  assert.ok(image.kernel !== undefined);
  const { store, keys } = publisher;
  const cut = store.add(store.read(image.kernel.linux).subarray(0, 1000));
  const broken = { ...image, kernel: { ...image.kernel, linux: cut } };
  await publish({ image: broken, store, folder: releases, signing: keys, report: silentReporter });
  const before = bootState(machine);
  const { exitCode, err } = await ashlar(machine, "upgrade");
  assert.equal(exitCode, 1);
  assert.match(err, /cannot be loaded: its section \.text ends behind its end.*E_STAGE_KERNEL/s);
  assert.deepEqual(bootState(machine), before);
});

test("a machine never takes an older release than it has had, even after that one was collected and its trust forgotten", async () => {
  const { machine, releases } = await lab();
  const timestamps = new Map<number, Buffer>();
  for (const version of [2, 3]) {
    await publisher.release(releases, version);
    timestamps.set(version, readFileSync(join(releases, TIMESTAMP_FILE)));
    await json(machine, "upgrade");
    machine.boot();
  }
  writeFileSync(join(releases, TIMESTAMP_FILE), timestamps.get(2) ?? "");
  const older = await ashlar(machine, "upgrade");
  assert.equal(older.exitCode, 1);
  assert.match(older.err, /E_TRUST_ROLLBACK/);
  await json(machine, "rollback");
  machine.boot();
  await json(machine, "collect", "--keep", "0");
  rmSync(join(machine.root, "sysroot/ashlar/trust.json"));
  assert.match((await ashlar(machine, "upgrade")).err, /older than release 3/);
});

test("rollback and status work with an unreadable record of another generation, collect refuses and removes nothing", async () => {
  const { machine, releases } = await lab();
  for (const version of [2, 3]) {
    await publisher.release(releases, version);
    await json(machine, "upgrade");
    machine.boot();
  }
  const record = join(machine.root, "sysroot/ashlar/deployments/000001.json");
  writeFileSync(record, readFileSync(record, "utf8").slice(0, 50));
  const before = bootState(machine);
  const collected = await ashlar(machine, "collect");
  assert.equal(collected.exitCode, 1);
  assert.match(collected.err, /000001\.json cannot be read/);
  assert.deepEqual(bootState(machine), before);
  assert.match((await json<Status>(machine, "status")).problems.join(), /000001\.json cannot be read/);
  assert.equal((await json(machine, "rollback"))["generation"], 2);
});

test("an unreadable boot entry, or a missing image, keeps collect from removing anything", async () => {
  const { machine, releases } = await lab();
  await publisher.release(releases, 2);
  await json(machine, "upgrade");
  const entry = join(machine.root, "efi/loader/entries/ashlar-000001.conf");
  const text = readFileSync(entry);
  writeFileSync(entry, "title broken\n");
  assert.match((await ashlar(machine, "collect", "--json")).err, /E_COLLECT_ROOTS/);
  writeFileSync(entry, text);
  const image = (await json<{ generations: { digest: string }[] }>(machine, "status")).generations[0]?.digest ?? "";
  rmSync(join(machine.root, "sysroot/ashlar/store/objects", image.slice(0, 2), image.slice(2)));
  const before = bootState(machine);
  assert.match((await ashlar(machine, "collect", "--json")).err, /E_COLLECT_ROOTS.*missing/);
  assert.deepEqual(bootState(machine), before);
});

test("every command is in the help, wrong usage ends with 2 and names the help", async () => {
  const { machine } = await lab();
  for (const name of Object.keys(COMMANDS)) assert.ok(USAGE.includes(`ashlar ${name}`), name);
  assert.ok(USAGE.split("\n").every((line) => line.length <= 80));
  for (const args of [
    ["frobnicate"],
    ["pin"],
    ["pin", "x"],
    ["status", "1"],
    ["rollback", "1", "2"],
    ["status", "--frob"],
    ["collect", "--keep", "-1"],
  ]) {
    const { exitCode, err, out } = await ashlar(machine, ...args);
    assert.equal(exitCode, 2, args.join(" "));
    assert.match(err, /hint: +ashlar help/);
    assert.equal(out, "");
  }
});

test("unknown generations are named with what to type next", async () => {
  const { machine } = await lab();
  for (const args of [
    ["rollback", "7"],
    ["pin", "7"],
    ["unpin", "7"],
  ]) {
    const { exitCode, err } = await ashlar(machine, ...args);
    assert.equal(exitCode, 1);
    assert.match(err, /generation 7 does not exist[^]*ashlar generations/);
  }
  assert.match((await ashlar(machine, "rollback")).err, /no other generation that can start/);
});

test("tables fit 80 columns", async () => {
  const { machine, releases } = await lab();
  await publisher.release(releases, 2);
  await json(machine, "upgrade");
  await json(machine, "pin", "1");
  for (const command of ["status", "generations"]) {
    const { out } = await ashlar(machine, command);
    assert.match(out, /NUMBER +IMAGE +RELEASE +STAGED +STATE/);
    assert.match(out, /3 tries left, next/);
    for (const line of out.split("\n").filter((text) => !text.startsWith("/"))) assert.ok(line.length <= 80, line);
  }
});

function append(path: string, text: string): void {
  writeFileSync(path, readFileSync(path, "utf8") + text);
}

function flip(path: string): void {
  const bytes = readFileSync(path);
  const at = bytes.length >> 1;
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(path, bytes);
}
