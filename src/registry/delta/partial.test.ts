/** A transfer that ends in the middle of a large object, and the next one. */
import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { endingAfter } from "../../../test/support/ending-source.ts";
import { makeKeys } from "../../../test/support/keys.ts";
import { makeImage, openTestStore, scratch } from "../../../test/support/release-fixture.ts";
import { silentReporter } from "../../report/reporter.ts";
import { partialPath } from "../../store/partial.ts";
import type { Store } from "../../store/store.ts";
import { fetchObjects } from "../fetch-objects.ts";
import { publish } from "../publish.ts";
import type { Release } from "../release.ts";
import { openSource } from "../source.ts";
import type { ReleaseSource } from "../stream.ts";

const home = scratch();
after(() => home[Symbol.dispose]());
const signing = makeKeys(join(home.path, "keys"));

/** Bytes in which no stretch occurs twice. */
function random(key: number, size: number): Buffer {
  return createCipheriv("aes-128-ctr", Buffer.alloc(16, key), Buffer.alloc(16)).update(Buffer.alloc(size));
}

/** Nothing in the new one is like the old one, so it travels as it is. */
const LARGE = random(5, 3_000_000);
const folder = join(home.path, "folder");
const host = await openTestStore(join(home.path, "host"));
const releases: Release[] = [];
for (const content of [random(6, 3_000_000), LARGE]) {
  const image = makeImage(host, [content]);
  releases.push(await publish({ image, store: host, folder, signing, report: silentReporter }));
}
const [old, release] = releases as [Release, Release];
const object = release.objects.find(({ size }) => size === LARGE.length)!.object;

async function machineStore(name: string): Promise<Store> {
  const store = await openTestStore(join(home.path, name));
  for (const each of old.objects) if (!store.has(each.object)) store.add(host.read(each.object));
  return store;
}

async function fetchInto(store: Store, source: ReleaseSource): Promise<number> {
  const bases = [{ image: old.image.digest, name: "generation 1" }];
  const { wire } = await silentReporter.step("fetch", (step) =>
    fetchObjects(source, release.objects, store, step, { image: release.image.digest, bases }),
  );
  assert.deepEqual(store.read(object), LARGE);
  return wire;
}

const partials = (store: Store): string[] => readdirSync(join(store.root, "tmp")).filter((name) => name.startsWith("partial-"));

void test("the next transfer goes on where the last one ended, in a process that opens the store anew", async () => {
  const whole = await machineStore("whole");
  const all = await fetchInto(whole, openSource(folder));
  await whole.close();
  for (const end of [400_000, 1_500_000, 2_900_000]) {
    const name = `machine-${end}`;
    const first = await machineStore(name);
    await assert.rejects(fetchInto(first, endingAfter(openSource(folder), end)), /killed/);
    assert.equal(partials(first).length, 1);
    await first.close();
    const second = await machineStore(name);
    const wire = await fetchInto(second, openSource(folder));
    assert.ok(wire < all - end + 600_000, `${wire} of ${all} bytes after ${end}`);
    assert.deepEqual(partials(second), []);
    await second.close();
  }
});

void test("a beginning with other content is found out: the object comes whole, and nothing is left", async () => {
  const machine = await machineStore("altered");
  writeFileSync(partialPath(machine.root, object), random(9, 1_000_000));
  await fetchInto(machine, openSource(folder));
  assert.deepEqual(partials(machine), []);
  await machine.close();
});

void test("a beginning that is longer than the object, or ends within a piece, is cut", async () => {
  for (const size of [5_000_000, 300_001, 17]) {
    const machine = await machineStore(`cut-${size}`);
    writeFileSync(partialPath(machine.root, object), Buffer.concat([LARGE, Buffer.alloc(2_000_000)]).subarray(0, size));
    await fetchInto(machine, openSource(folder));
    assert.deepEqual(partials(machine), []);
    await machine.close();
  }
});

void test("beginnings from before the machine started anew are not trusted: they go when the store is opened", async () => {
  const machine = await machineStore("restarted");
  const path = partialPath(machine.root, object);
  writeFileSync(path.replace(/partial-[0-9a-f-]{36}/, "partial-00000000-0000-4000-8000-000000000000"), LARGE);
  await machine.close();
  const again = await machineStore("restarted");
  assert.deepEqual(partials(again), []);
  await again.close();
});
