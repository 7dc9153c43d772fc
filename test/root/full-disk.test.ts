/** Upgrades onto file systems that are too small, from the start or all of a sudden; real ones, mounted here. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { publish } from "../../src/registry/publish.ts";
import { silentReporter } from "../../src/report/reporter.ts";
import { exec } from "../../src/sys/exec.ts";
import { ashlar, bootState, json, openLab, openPublisher } from "../support/machine-lab.ts";
import type { Lab, Publisher } from "../support/machine-lab.ts";
import { makeImage, noise, scratch } from "../support/release-fixture.ts";

const MIB = 1024 * 1024;
const home = scratch();
let publisher: Publisher;
const mounted: string[] = [];
before(async () => {
  publisher = await openPublisher(home.path);
});
after(async () => {
  for (const path of mounted) await exec("umount", [path]);
  await publisher.store.close();
  home[Symbol.dispose]();
});

let labs = 0;
/** A machine whose folder `inside` is a file system of its own. */
async function labWith(inside: string, options: string): Promise<Lab> {
  const lab = await openLab(join(home.path, `lab-${++labs}`), publisher);
  const path = join(lab.machine.root, inside);
  const aside = `${path}.aside`;
  renameSync(path, aside);
  mkdirSync(path);
  await exec("mount", ["-t", "tmpfs", "-o", options, "none", path]);
  mounted.push(path);
  cpSync(aside, path, { recursive: true, verbatimSymlinks: true });
  return lab;
}

/** A release with `bytes` more than the first one, in many objects. */
async function largeRelease({ releases }: Lab, bytes: number): Promise<void> {
  const files = Array.from({ length: Math.ceil(bytes / MIB) }, (_, at) => noise(1000 + at, MIB));
  const image = makeImage(publisher.store, files);
  await publish({ image, store: publisher.store, folder: releases, signing: publisher.keys, report: silentReporter });
}

async function failsAsBefore({ machine }: Lab, code: string, message: RegExp): Promise<void> {
  const state = bootState(machine);
  const { exitCode, err } = await ashlar(machine, "upgrade", "--json");
  assert.equal(exitCode, 1);
  const { error } = JSON.parse(err) as { error: { code: string; message: string; hint: string } };
  assert.equal(error.code, code, err);
  assert.match(error.message, message);
  assert.match(error.hint, /ashlar collect/);
  assert.deepEqual(bootState(machine), state);
  assert.equal(machine.boot(), 1);
}

test("a store that is too small is said with numbers before anything is fetched", async () => {
  const lab = await labWith("sysroot", "size=40M");
  await largeRelease(lab, 16 * MIB);
  const before = readdirSync(join(lab.machine.root, "sysroot/ashlar/store/objects")).length;
  await failsAsBefore(
    lab,
    "E_STAGE_SPACE",
    /sysroot\/ashlar\/store: the update needs .* for 17 new objects \(\d+ bytes\), .* are free \(\d+ bytes\)/,
  );
  assert.equal(readdirSync(join(lab.machine.root, "sysroot/ashlar/store/objects")).length, before);
});

test("a store without inodes is said to be that", async () => {
  const lab = await labWith("sysroot", "size=500M,nr_inodes=260");
  await largeRelease(lab, 2 * MIB);
  await failsAsBefore(lab, "E_STAGE_INODES", /the update brings 3 files, the file system has room for \d+ more/);
});

test("an ESP that is too small is said with numbers before anything is fetched", async () => {
  const lab = await labWith("efi", "size=64k");
  const image = makeImage(publisher.store, [noise(1, 20_000)]);
  assert.ok(image.kernel);
  const initrd = publisher.store.add(noise(77, 100_000));
  const larger = { ...image, kernel: { ...image.kernel, initrd } };
  await publish({ image: larger, store: publisher.store, folder: lab.releases, signing: publisher.keys, report: silentReporter });
  await failsAsBefore(lab, "E_ESP_FULL", /efi: the update needs .* for kernel and initrd \(\d+ bytes\), .* are free/);
});

test("a store that fills up while staging leaves the old generation, and the next attempt goes on", async () => {
  const lab = await labWith("sysroot", "size=80M");
  await largeRelease(lab, 24 * MIB);
  const hog = join(lab.machine.root, "sysroot/hog");
  // Somebody fills the disk as soon as staging has begun to fetch.
  const filling = setInterval(() => {
    if (readdirSync(join(lab.machine.root, "sysroot/ashlar/store/objects")).length < 8) return;
    clearInterval(filling);
    try {
      writeFileSync(hog, Buffer.alloc(100 * MIB));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
    }
  }, 1);
  await failsAsBefore(lab, "E_STAGE_SPACE", /filled up while staging/);
  clearInterval(filling);
  // With no byte free: status, going back and looking at what could go still work.
  assert.equal((await ashlar(lab.machine, "status")).exitCode, 0);
  assert.equal((await ashlar(lab.machine, "generations")).exitCode, 0);
  rmSync(hog);
  const upgraded = await json<{ outcome: string; fetched: { objects: number } }>(lab.machine, "upgrade");
  assert.equal(upgraded.outcome, "staged");
  assert.ok(upgraded.fetched.objects < 25, `${upgraded.fetched.objects} objects were fetched again`);
  assert.equal(lab.machine.boot(), 2);
});

test("with no byte free on the disk a machine still rolls back and collects", async () => {
  const lab = await labWith("sysroot", "size=80M");
  for (const version of [2, 3]) {
    await publisher.release(lab.releases, version);
    await json(lab.machine, "upgrade");
    lab.machine.boot();
  }
  const hog = join(lab.machine.root, "sysroot/hog");
  assert.throws(() => writeFileSync(hog, Buffer.alloc(100 * MIB)), { code: "ENOSPC" });
  assert.equal((await json(lab.machine, "rollback"))["generation"], 2);
  assert.equal(lab.machine.boot(), 2);
  assert.deepEqual((await json<{ removed: number[] }>(lab.machine, "collect", "--keep", "0")).removed, [1]);
});
