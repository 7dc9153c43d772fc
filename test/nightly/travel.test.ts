/**
 * Releases that reach a machine in every way there is: within a quarter of a gibibyte of memory, by its own timer, from a registry
 * by tag and by digest, and its own objects to a neighbour without rights.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { zstdDecompressSync } from "node:zlib";
import { verityDigest } from "#formats/fsverity.ts";
import { lockSystem, pushOci } from "#pipeline";
import { openRing } from "#registry/trust/ring.ts";
import { openInstalled } from "../support/installed.ts";
import type { Live } from "../support/live-machine.ts";
import { lockOlder } from "../support/older-packages.ts";
import { ociTools, startRegistry } from "../support/oci-tools.ts";
import type { RegistryServer } from "../support/oci-tools.ts";
import { personAt } from "../support/person.ts";
import { onMachine } from "../support/steps.ts";

const MIB = 2 ** 20;
const MEMORY_MAX = 256 * MIB;
/** The most bytes that may be written for one that changed. */
const WRITTEN_MAX = 1.1;
/** A generation's record and boot entry; and for each object, what ext4 writes into its journal, fs-verity, and the rest of a block. */
const WRITTEN_BESIDES = 8 * MIB;
const WRITTEN_EACH = 8 * 1024;
const PORT = 8472;
const KERNEL = ["linux-image-cloud-amd64"];

let live: Live;
let registry: RegistryServer;
const step = onMachine(() => live);
const { ask, sudo, status, restart, finished } = personAt(() => live);

before(async () => {
  registry = await startRegistry(await ociTools());
  live = await openInstalled();
});
after(async () => {
  await live?.close();
  await registry?.[Symbol.asyncDispose]();
});

step("an upgrade with another kernel and new packages stays within 256 MiB of memory, and writes little more than changed", async (t) => {
  const isOther = await lockOlder(join(live.project.folder, "web/machine.lock.json"), KERNEL, live.context);
  if (!isOther) t.diagnostic("the archive has only one version of the kernel: it stays");
  const before = await ask("uname -r");
  await live.publish(partOf("three", `packages: ["bind9-host", "git"],`));
  const unit = await inUnit(
    "upgrade",
    `ashlar upgrade --from ${live.address("releases")} --json`,
    `-p MemoryMax=${MEMORY_MAX} -p MemorySwapMax=0`,
  );
  const result = JSON.parse(unit.out) as { outcome: string; generation: number; fetched: { objects: number; bytes: number; wire: number } };
  assert.deepEqual([result.outcome, result.generation], ["staged", 3]);
  t.diagnostic(
    `${result.fetched.objects} objects, ${mib(result.fetched.bytes)} MiB; ${mib(result.fetched.wire)} MiB over the wire, ` +
      `${mib(unit.written)} MiB written, ${mib(unit.peak)} MiB of memory, ${unit.seconds} s`,
  );
  assert.ok(result.fetched.wire < result.fetched.bytes / 4, "compressed, but no difference");
  assert.doesNotMatch(await sudo("journalctl -o cat -u upgrade"), /^warning:/m);
  const { objects, bytes } = result.fetched;
  assert.ok(unit.written < WRITTEN_MAX * bytes + WRITTEN_EACH * objects + WRITTEN_BESIDES, `${unit.written} bytes for ${bytes}`);
  await restart();
  assert.equal((await status<Status>()).booted.generation, 3);
  assert.equal((await ask("uname -r")) === before, !isOther);
});

step("the timer waits for its time, and what it starts stages the next release", async () => {
  const timers = await sudo("systemctl list-timers ashlar-update.timer --no-legend; systemctl is-active ashlar-update.timer");
  assert.match(timers, /ashlar-update\.service\nactive$/);
  await live.publish(partOf("four"));
  await sudo("systemctl start --no-block ashlar-update.service");
  await finished("ashlar-update.service");
  assert.equal(await sudo("systemctl show -P Result ashlar-update.service"), "success");
  const { next, updates } = await status<Status>();
  assert.equal(next?.generation, 4);
  assert.equal(updates.look?.failure, undefined);
  // The same release again is no work, and no error.
  await sudo("systemctl start ashlar-update.service");
  assert.equal((await status<Status>()).next?.generation, 4);
});

step("a machine gives its objects to whoever is nearby, from a process that may read nothing else", async () => {
  const { booted } = await status<Status>();
  const listed = JSON.parse(await ask(`curl -sSf http://localhost:${PORT}/neighbour.json`)) as { images: string[] };
  assert.ok(listed.images.includes(booted.digest), JSON.stringify(listed));
  // A file that only root may read is an object like the others: whoever knows its digest has the release.
  const path = `objects/${booted.digest.slice(0, 2)}/${booted.digest.slice(2)}.zst`;
  const base64 = await ask(`curl -sSf http://localhost:${PORT}/${path} | base64 -w0`);
  assert.equal(verityDigest(zstdDecompressSync(Buffer.from(base64, "base64"))), booted.digest);
  assert.match(
    await sudo(
      "systemctl show -P User -P DynamicUser ashlar-neighbours.service; ps -o user= -p $(systemctl show -P MainPID ashlar-neighbours.service)",
    ),
    /^(?!root)/m,
  );
  const { out } = await live.ask(
    `curl -s -o /dev/null -w '%{http_code}' --path-as-is http://localhost:${PORT}/objects/../../deployments/000003.json`,
  );
  assert.equal(out, "404");
  // Gone when nobody asks, and back when somebody does.
  await sleep(75_000);
  assert.equal((await live.ask("systemctl is-active ashlar-neighbours.service")).out, "inactive");
  assert.match(await ask(`curl -sSf http://localhost:${PORT}/neighbour.json`), /"images"/);
});

step("a machine switches to an image of a registry by its digest, and follows a tag from then on", async (t) => {
  const seen = `oci+http://10.0.2.2:${registry.host.split(":")[1]}/machines/web`;
  const five = await push("five", 5);
  const pinned = five.address.replace(/^oci\+http:\/\/[^/]+/, "oci+http://10.0.2.2:" + registry.host.split(":")[1]);
  const unit = await inUnit("switch", `ashlar switch ${pinned} --json`, `-p MemoryMax=${MEMORY_MAX} -p MemorySwapMax=0`);
  const result = JSON.parse(unit.out) as { outcome: string; generation: number };
  assert.equal(result.outcome, "staged");
  t.diagnostic(`from the registry: ${mib(unit.written)} MiB written, ${mib(unit.peak)} MiB of memory, ${unit.seconds} s`);
  await restart();
  const { booted } = await status<Status>();
  assert.deepEqual([booted.generation, booted.digest], [result.generation, five.digest]);

  await sudo(`ashlar switch ${seen}:stable`);
  const six = await push("six", 6);
  const followed = await inUnit("follow", "ashlar upgrade --json");
  const { updates, next } = await status<Status>();
  assert.equal(updates.follows, `${seen}:stable`);
  const staged = JSON.parse(followed.out) as { generation: number; digest: string };
  assert.deepEqual([staged.digest, next?.generation], [six.digest, staged.generation]);
});

interface Status {
  readonly booted: { readonly generation: number; readonly digest: string };
  readonly next?: { readonly generation: number };
  readonly updates: { readonly follows?: string; readonly look?: { readonly failure?: string } };
}

/** Looks at its releases every hour, and serves its neighbours. */
function partOf(name: string, more = ""): string {
  return `{ files: { "/etc/motd": "Generation ${name}.\\n" }, ${more}
    updates: { source: "${live.address("releases")}", automatic: { mode: "stage", hours: 1, jitter: 0 }, neighbours: { serve: true } } }`;
}

async function push(name: string, sequence: number): ReturnType<typeof pushOci> {
  live.project.write(partOf(name));
  await lockSystem({ config: live.project.config }, live.context);
  const { config, folder } = live.project;
  return pushOci(
    {
      config,
      address: `oci+http://${registry.host}/machines/web:stable`,
      release: { signing: openRing(join(folder, "keys"), () => "") },
      sequence,
    },
    live.context,
  );
}

interface UnitRun {
  readonly out: string;
  /** Bytes. */
  readonly peak: number;
  readonly written: number;
  readonly seconds: number;
}

/** Runs a command as a unit of its own, which counts what it uses. */
async function inUnit(name: string, command: string, properties = ""): Promise<UnitRun> {
  const before = performance.now();
  await sudo(
    `systemd-run --quiet --unit=${name} -p RemainAfterExit=yes -p IOAccounting=yes ${properties} sh -c "${command} --progress plain >/run/${name}.out"`,
  );
  for (;;) {
    const sub = (await live.ask(`systemctl show -P SubState ${name}`)).out;
    if (sub === "exited" || sub === "failed") break;
    await sleep(3000);
  }
  const seconds = Math.round((performance.now() - before) / 1000);
  const [result, peak, written] = (await sudo(`systemctl show -P Result -P MemoryPeak -P IOWriteBytes ${name}`))
    .split("\n")
    .filter((line) => line !== "");
  const out = await sudo(`cat /run/${name}.out; sync`);
  assert.equal(result, "success", `${out}${await sudo(`journalctl -o cat -u ${name} | tail -20`)}`);
  await sudo(`systemctl stop ${name}`);
  return { out, peak: Number(peak), written: Number(written), seconds };
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}
