/**
 * A machine on the smallest file systems that hold it, with kernels of real size: twenty upgrades, and thieves of space. The root is
 * ext4; a computer without FAT has memory for an ESP (the machine in test/nightly/state.test.ts has a real one).
 */
import assert from "node:assert/strict";
import {
  existsSync,
  closeSync,
  cpSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { publish } from "../../src/registry/publish.ts";
import { silentReporter } from "../../src/report/reporter.ts";
import { exec } from "../../src/sys/exec.ts";
import { runInToolchain } from "../../src/toolchain/sandbox.ts";
import { openToolchain } from "../../src/toolchain/open.ts";
import type { Toolchain } from "../../src/toolchain/open.ts";
import { openWorkspace } from "../../src/workspace.ts";
import { ashlar, json, openLab, openPublisher } from "../support/machine-lab.ts";
import type { Lab, Publisher } from "../support/machine-lab.ts";
import { makeImage, noise } from "../support/release-fixture.ts";
import { tinyKernel } from "../support/tiny-kernel.ts";
import { rootOf } from "../support/keys.ts";

const MIB = 2 ** 20;
const LINUX = 12 * MIB;
const INITRD = 20 * MIB;
const KERNEL = LINUX + INITRD;
/** What releases have in common, and what each changes. */
const SHARED = 24 * MIB;
const CHANGED = 6 * MIB;
/** A new kernel with every third release, as Debian's security updates bring them. */
const KERNEL_EVERY = 3;
/** Of the installed generation, of those that run and can be gone back to, and the one that comes. */
const KERNELS = 3;
/** A little for folders, entries and what a file system keeps for itself. */
const ESP = KERNELS * KERNEL + 4 * MIB;
const ROOT = SHARED + KERNELS * KERNEL + 4 * CHANGED + 32 * MIB + 16 * MIB;

// Not in memory: it is half a gigabyte.
const home = mkdtempSync(join(tmpdir(), "ashlar-twenty-"));
let toolchain: Toolchain;
let publisher: Publisher;
const mounted: string[] = [];

before(async () => {
  toolchain = await openToolchain("build", { workspace: openWorkspace(), report: silentReporter });
  publisher = await openPublisher(home);
});
after(async () => {
  for (const path of mounted) await exec("umount", [path]);
  await publisher.store.close();
  rmSync(home, { recursive: true });
});

/** Puts a folder of the machine on a file system of its own. */
async function mountOver(path: string, mount: (path: string) => Promise<unknown>): Promise<void> {
  const aside = `${path}.aside`;
  renameSync(path, aside);
  mkdirSync(path);
  await mount(path);
  mounted.push(path);
  cpSync(aside, path, { recursive: true, verbatimSymlinks: true });
  rmSync(aside, { recursive: true });
}

async function ext4(path: string): Promise<void> {
  const disk = `${path}.disk`;
  const fd = openSync(disk, "w");
  ftruncateSync(fd, ROOT);
  closeSync(fd);
  const args = ["-q", "-F", "-t", "ext4", "-m", "1", "-J", "size=4", "/tmp/disk"];
  await runInToolchain(toolchain, "/usr/sbin/mke2fs", args, { binds: [{ from: disk, to: "/tmp/disk" }] });
  await exec("mount", ["-o", "loop", "-t", "ext4", disk, path]);
}

async function release({ releases }: Lab, number: number): Promise<void> {
  const { store, keys } = publisher;
  const shared = Array.from({ length: SHARED / MIB }, (_, at) => made(at, MIB));
  const own = Array.from({ length: CHANGED / MIB }, (_, at) => noise(number * 100 + at, MIB));
  const image = makeImage(store, [...shared, ...own]);
  assert.ok(image.kernel);
  const version = Math.floor(number / KERNEL_EVERY);
  const kernel = {
    ...image.kernel,
    linux: store.add(tinyKernel(made(9000 + version, LINUX))),
    initrd: store.add(made(9500 + version, INITRD)),
  };
  // Noise has no differences worth a minute's search for them.
  await publish({ image: { ...image, kernel }, store, folder: releases, signing: keys, deltas: 0, report: silentReporter });
}

const noises = new Map<number, Buffer>();
function made(seed: number, size: number): Buffer {
  const bytes = noises.get(seed) ?? noise(seed, size);
  noises.set(seed, bytes);
  return bytes;
}

function free(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

/** A machine that was installed with release 1 of real size. */
async function lab(name: string): Promise<Lab> {
  const made = await openLab(join(home, name), publisher);
  // The configuration of a real machine: the installed generation stays.
  const { root } = made.machine;
  const system = {
    name: "web",
    updates: { root: rootOf(publisher.keys), source: made.releases, retention: { count: 2, installed: true } },
  };
  writeFileSync(
    join(root, "usr/lib/ashlar/system.json"),
    JSON.stringify({ ...system, boot: { failsafe: "off", factoryReset: false }, health: { units: [], commands: [] } }),
  );
  await mountOver(join(root, "sysroot"), ext4);
  await mountOver(join(root, "efi"), (path) => exec("mount", ["-t", "tmpfs", "-o", `size=${ESP}`, "esp", path]));
  return made;
}

void test("twenty upgrades in a row leave the free space of both file systems flat", async (context) => {
  const { machine, releases } = await lab("flat");
  const samples: { root: number; esp: number; kernels: number }[] = [];
  for (let number = 2; number <= 21; number++) {
    await release({ machine, releases }, number);
    const { outcome } = await json<{ outcome: string }>(machine, "upgrade");
    assert.equal(outcome, "staged");
    assert.equal(machine.boot(), number);
    const kernels = readdirSync(join(machine.root, "efi/ashlar")).filter((folder) => /^[0-9a-f]{32}$/.test(folder)).length;
    samples.push({ root: free(join(machine.root, "sysroot")), esp: free(join(machine.root, "efi")), kernels });
  }
  assert.ok(Math.max(...samples.map(({ kernels }) => kernels)) <= KERNELS);
  // The kernels that stay depend on when the last one changed: each third upgrade is in the same situation.
  const settled = samples.slice(4);
  for (let phase = 0; phase < KERNEL_EVERY; phase++) {
    const same = settled.filter((_, at) => at % KERNEL_EVERY === phase);
    for (const [what, size] of [
      ["root", ROOT],
      ["esp", ESP],
    ] as const) {
      const values = same.map((sample) => sample[what]);
      assert.ok((Math.max(...values) - Math.min(...values)) / size <= 0.05, `${what}: ${values.join(", ")}`);
    }
  }
  const { kept } = await json<{ kept: { generation: number; why: string }[] }>(machine, "collect");
  assert.deepEqual(
    kept.map(({ generation, why }) => [generation, why]),
    [
      [1, "installed"],
      [20, "good"],
      [21, "running"],
    ],
  );
  const low = (what: "root" | "esp"): string => `${Math.min(...samples.map((sample) => sample[what])) / MIB} MiB`;
  context.diagnostic(`least free: ${low("root")} of ${ROOT / MIB} MiB on the root, ${low("esp")} of ${ESP / MIB} MiB on the ESP`);
});

/** Takes everything that is free as soon as `when` says so, and tells how much that was. */
function thief(path: string, when: () => boolean): { readonly stolen: () => number; readonly stop: () => void } {
  let stolen = 0;
  const timer = setInterval(() => {
    if (!when()) return;
    clearInterval(timer);
    const before = free(path);
    const fd = openSync(join(path, "stolen"), "w");
    try {
      const block = Buffer.alloc(MIB, 1);
      for (;;) writeFileSync(fd, block);
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
    }
    closeSync(fd);
    stolen = before - free(path);
  }, 1);
  return { stolen: () => stolen, stop: () => clearInterval(timer) };
}

void test("the ESP's space is held while an update is fetched: who fills the rest does not stop it", async () => {
  const made = await lab("esp");
  const { machine } = made;
  await release(made, 2);
  const objects = join(machine.root, "sysroot/ashlar/store/objects");
  const before = readdirSync(objects).length;
  const { stolen, stop } = thief(join(machine.root, "efi"), () => readdirSync(objects).length > before + 2);
  const ran = await ashlar(machine, "upgrade", "--json");
  stop();
  assert.equal(ran.exitCode, 0, ran.err);
  assert.ok(stolen() > KERNEL, `${stolen()} bytes were taken`);
  assert.equal(machine.boot(), 2);
  rmSync(join(machine.root, "efi/stolen"));
});

void test("what was held is free again when an update fails, and the next one comes through", async () => {
  const made = await lab("failing");
  const { machine, releases } = made;
  await release(made, 2);
  const before = { root: free(join(machine.root, "sysroot")), esp: free(join(machine.root, "efi")) };
  // Differences and packs would bring what is missing among the objects.
  const ways = ["objects", "deltas", "packs"].map((name) => join(releases, name)).filter((path) => existsSync(path));
  for (const path of ways) renameSync(path, `${path}.hidden`);
  assert.equal((await ashlar(machine, "upgrade")).exitCode, 1);
  assert.equal(free(join(machine.root, "efi")), before.esp);
  assert.ok(free(join(machine.root, "sysroot")) > before.root - SHARED - KERNEL - CHANGED - MIB);
  for (const path of ways) renameSync(`${path}.hidden`, path);
  assert.equal((await json<{ outcome: string }>(machine, "upgrade")).outcome, "staged");
});
