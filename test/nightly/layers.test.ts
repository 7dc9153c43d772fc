/**
 * A package of one machine's own, on a machine that has lived: added, used after a restart, kept by an upgrade, left out when
 * the new base cannot have it, and taken away without a trace. Everything is fetched through this computer's own mirror.
 */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { ssh } from "#vm/ssh.ts";
import { openInstalled } from "../support/installed.ts";
import type { Live } from "../support/live-machine.ts";
import type { Published } from "../support/live-project.ts";
import { openMirrorProxy } from "../support/mirror-proxy.ts";
import type { MirrorProxy } from "../support/mirror-proxy.ts";
import { personAt } from "../support/person.ts";
import { onMachine } from "../support/steps.ts";

interface Changed {
  readonly outcome: string;
  readonly generation: number;
  readonly digest: string;
  readonly quarantined: readonly { readonly layer: string; readonly why: string }[];
}

interface Status {
  readonly booted: { readonly generation: number; readonly digest: string };
  readonly next: { readonly generation: number };
  readonly problems: readonly string[];
  readonly generations: readonly {
    readonly generation: number;
    readonly digest: string;
    readonly trial: string;
    readonly layers?: string[];
  }[];
}

/** Indexes of 60 MB and 34 packages of tools, unpacked under emulation on a busy computer. */
const LAYER_MS = 1_200_000;

let live: Live;
const step = onMachine(() => live);
const { ask, sudo, status, restart } = personAt(() => live);
let mirror: MirrorProxy;
/** What the machine ran at the beginning: the base of what is added. */
let base: Status["booted"];
let added: Changed;
let release: Published["release"];

before(async () => {
  mirror = await openMirrorProxy();
  live = await openInstalled();
});
after(async () => {
  await live?.close();
  await mirror?.[Symbol.asyncDispose]();
});

step("a package is added: a new generation is staged, the running one is untouched", async (context) => {
  base = (await status<Status>()).booted;
  const start = performance.now();
  added = await ashlar<Changed>("layer add hello colorize");
  context.diagnostic(`first layer add ${Math.round((performance.now() - start) / 1000)} s, with tools and indexes`);
  assert.deepEqual([added.outcome, added.quarantined], ["staged", []]);
  assert.notEqual(added.digest, base.digest);
  const now = await status<Status>();
  assert.deepEqual([now.booted, now.next], [base, { generation: added.generation }]);
  assert.match((await live.ask("hello")).err, /not found/);
});

step("the same again is nothing to do, from the cache alone", async (context) => {
  const asked = mirror.requests.length;
  const start = performance.now();
  const again = await ashlar<Changed>("layer add hello colorize");
  context.diagnostic(`layer add with everything in the cache ${Math.round((performance.now() - start) / 1000)} s`);
  assert.deepEqual([again.outcome, again.generation, again.digest], ["current", added.generation, added.digest]);
  assert.equal(mirror.requests.length, asked);
});

step("after the restart the program runs, and the generation is good", async () => {
  await restart();
  const now = await status<Status>();
  assert.deepEqual(now.booted, { generation: added.generation, digest: added.digest });
  assert.equal(await ask("hello"), "Hello, world!");
  assert.match(await ask("dpkg-query -W -f '${Status}' hello"), /install ok installed/);
  assert.equal(await sudo("dpkg --audit"), "");
  // Versions are in the store, which only root may read.
  assert.match(await sudo("ashlar layer list"), /^hello +package +2\.\S+ +in use$/m);
  assert.match(await ask("ashlar layer list"), /^hello +package +in use$/m);
});

step("an upgrade keeps it", async (context) => {
  ({ release } = await live.publish(`{ files: { "/etc/motd": "Generation with a layer.\\n" } }`));
  const start = performance.now();
  const upgraded = await ashlar<Changed & { release: number }>(`upgrade --from ${live.address("releases")}`);
  context.diagnostic(`upgrade with a layer ${Math.round((performance.now() - start) / 1000)} s`);
  assert.deepEqual([upgraded.outcome, upgraded.release, upgraded.quarantined], ["staged", release.sequence, []]);
  await restart();
  assert.equal(await ask("hello; cat /etc/motd"), "Hello, world!\nGeneration with a layer.");
});

step("what the new base cannot have stays out, and the machine says why", async () => {
  ({ release } = await live.publish(`{ packages: ["forensics-colorize"] }`));
  const upgraded = await ashlar<Changed>(`upgrade --from ${live.address("releases")}`);
  assert.deepEqual([upgraded.outcome, upgraded.quarantined.map(({ layer }) => layer)], ["staged", ["colorize"]]);
  assert.match(upgraded.quarantined[0]?.why ?? "", /forensics-colorize/);
  assert.notEqual(upgraded.digest, release.image.digest);
  assert.match((await status<Status>()).problems.join("\n"), /^layer colorize is left out of the next generation: /m);
  assert.match(await ask("ashlar layer list"), /^colorize +package +left out$/m);
});

step("removed, they leave the released image, byte for byte", async () => {
  const removed = await ashlar<Changed>("layer remove hello colorize");
  const now = await status<Status>();
  const next = now.generations.find(({ generation }) => generation === now.next.generation);
  assert.deepEqual([removed.digest, next?.digest, next?.layers], [release.image.digest, release.image.digest, undefined]);
  assert.deepEqual(now.problems, []);
});

/** A command that may take long, as root, with this computer as the mirror. */
async function ashlar<T>(command: string): Promise<T> {
  const address = `http://10.0.2.2:${mirror.port}/debian`;
  const { exitCode, stdout, stderr } = await ssh(live.target, `sudo env ASHLAR_MIRROR=${address} ashlar ${command} --json`, {
    timeout: LAYER_MS,
  });
  assert.equal(exitCode, 0, stderr);
  return JSON.parse(stdout.toString()) as T;
}
