/**
 * A machine that has lived gets another kernel, another nginx and another config, and goes back in parts: the composed
 * generation runs the old parts and the new rest. Before that, a damaged disk is healed over HTTP.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { TestContext } from "node:test";
import { compose } from "#compose/compose.ts";
import { openRoot } from "#compose/root.ts";
import type { Image } from "#image/image.ts";
import { readLock, writeLock } from "#lock/file.ts";
import { dumpImage } from "#pipeline";
import { openStore } from "#store/open.ts";
import { openInstalled } from "../support/installed.ts";
import type { Live } from "../support/live-machine.ts";
import { catalogOf, withOlder } from "../support/older-packages.ts";

/** A file of a package, in no program's memory. */
const VICTIM = "/usr/share/common-licenses/GPL-3";
const PARTS = ["kernel", "services.nginx"];
const THIRD = `{
  kernel: { arguments: ["loglevel=5"] },
  files: { "/etc/motd": "Generation three.\\n", "/etc/nginx/conf.d/three.conf": "server_tokens off;\\n", "/etc/kept.conf": "three" },
  state: { etc: ["kept.conf"] },
  sysctl: { "kernel.panic_on_oops": 1 },
}`;
const LOOK = `uname -r; dpkg-query -W -f '\${Version}\\n' nginx; grep -o loglevel=. /proc/cmdline; ls /etc/nginx/conf.d; cat /etc/motd
  cat /proc/sys/kernel/panic_on_oops; curl -sS http://localhost/ | head -1`;

let live: Live;
let bootId: string;
let second: string;
let failed: string | undefined;

before(async () => {
  live = await openInstalled();
  bootId = await ask("cat /proc/sys/kernel/random/boot_id");
});

after(async () => {
  await live?.close();
});

void step("a flipped byte is healed over HTTP: the object is fetched again and reads are right", async (t) => {
  const { booted } = await status();
  const line = (await dumpImage({ digest: booted.digest }, live.context)).split("\n").find((entry) => entry.startsWith(`${VICTIM} `));
  const object = line?.split(" ")[8] ?? "";
  assert.match(object, /^[0-9a-f]{2}\/[0-9a-f]{62}$/);
  const content = await ask(`cat ${VICTIM}`);
  const { exitCode, err } = await live.sudo(`
    set -- $(debugfs -R "blocks /ashlar/store/objects/${object}" /dev/vda2 2>/dev/null)
    printf X | dd of=/dev/vda2 bs=1 seek=$(($2*4096+99)) conv=notrunc,fsync status=none
    sync; echo 3 >/proc/sys/vm/drop_caches; cat ${VICTIM}`);
  assert.equal(exitCode, 1);
  assert.match(err, /Input\/output error/);
  const before = performance.now();
  const repaired = JSON.parse(await sudo(`ashlar fsck --repair --from ${live.address("releases")} --json --progress quiet`)) as Repaired;
  t.diagnostic(`ashlar fsck --repair: ${Math.round((performance.now() - before) / 1000)} s`);
  assert.deepEqual([repaired.healed, repaired.left], [[object.replace("/", "")], 0]);
  assert.equal(await ask(`cat ${VICTIM}`), content);
  assert.match(await sudo(`fsverity measure /sysroot/ashlar/store/objects/${object}`), new RegExp(`^sha256:${object.replace("/", "")} `));
});

void step("a flipped byte of the kernel on the ESP is found and written again, without a source", async () => {
  const linux = await sudo("ls /efi/ashlar/*/linux | head -1");
  await sudo(`printf X | dd of=${linux} bs=1 seek=5000000 conv=notrunc,fsync status=none`);
  const found = await live.sudo("ashlar fsck --json --progress quiet");
  assert.deepEqual([found.exitCode, (JSON.parse(found.out) as Repaired).boot], [1, [linux]]);
  assert.deepEqual((JSON.parse(await sudo("ashlar fsck --repair --json --progress quiet")) as Repaired).rewritten, [linux]);
  assert.equal((await live.sudo("ashlar fsck")).exitCode, 0);
});

void step("an upgrade brings another kernel, another nginx, another config", async (t) => {
  const path = join(live.project.folder, "web/machine.lock.json");
  const lock = readLock(path);
  const changed = withOlder(lock, ["linux-image-cloud-amd64", "nginx", "nginx-common", "nginx-light"], await catalogOf(lock, live.context));
  if (changed === undefined) t.diagnostic("the archive has only one version of each package: only the config differs");
  else writeLock(path, changed);
  second = await ask(LOOK);
  await live.publish(THIRD);
  await sudo(`ashlar upgrade --from ${live.address("releases")}`);
  await restart();
  const third = await ask(LOOK);
  t.diagnostic(`generation 2: ${second.replaceAll("\n", " ")}; generation 3: ${third.replaceAll("\n", " ")}`);
  assert.match(third, /\nloglevel=5\nthree\.conf\nGeneration three\.\n1\n/);
  assert.deepEqual([(await status()).booted.generation, await trialOf(3)], [3, "good"]);
});

void step("kernel and nginx go back, the rest stays; what is composed is what another computer composes", async (t) => {
  const only = `--only ${PARTS.join(",")} --from 2`;
  const before = performance.now();
  const dry = JSON.parse(await sudo(`ashlar rollback ${only} --dry-run --json --progress quiet`)) as { digest: string };
  t.diagnostic(`ashlar rollback --only, without writing: ${Math.round((performance.now() - before) / 1000)} s`);
  assert.equal(dry.digest, await composedHere());
  await sudo("echo the machine >/etc/kept.conf");
  const made = JSON.parse(await sudo(`ashlar rollback ${only} --json --progress quiet`)) as {
    outcome: string;
    generation: number;
    digest: string;
  };
  assert.deepEqual([made.outcome, made.generation, made.digest], ["staged", 4, dry.digest]);
  await restart();
  const [kernel, nginx, ...rest] = (await ask(LOOK)).split("\n");
  assert.deepEqual([kernel, nginx], second.split("\n").slice(0, 2));
  // No loglevel on the command line, no three.conf.
  assert.deepEqual(rest.slice(0, 2), ["Generation three.", "1"]);
  const now = await status();
  assert.deepEqual([now.booted.generation, now.booted.digest, await trialOf(4)], [4, dry.digest, "good"]);
  assert.equal(await ask("systemctl is-system-running --wait; dpkg --audit"), "running");
  assert.match(await sudo("cat /sysroot/ashlar/deployments/000004.json"), /"composedFrom":\{"base":/);
  assert.equal(await ask("cat /etc/kept.conf"), "the machine", "declared state is one for all generations");
});

void step("a package that would not fit is refused and changes nothing", async () => {
  const entries = await sudo("ls /efi/loader/entries");
  const { exitCode, err } = await live.sudo("ashlar rollback --only packages.nginx --from 3 --json --progress quiet");
  const { error } = JSON.parse(err) as { error: { code: string } };
  assert.deepEqual([exitCode, error.code], [1, "E_COMPOSE_DEPENDS"]);
  assert.equal(await sudo("ls /efi/loader/entries"), entries);
});

interface Repaired {
  readonly healed: readonly string[];
  readonly rewritten: readonly string[];
  readonly boot: readonly string[];
  readonly left: number;
}

interface Status {
  readonly booted: { readonly generation: number; readonly digest: string };
  readonly generations: readonly { readonly generation: number; readonly trial: string }[];
}

/** Later tests start from where earlier ones ended. */
function step(name: string, run: (context: TestContext) => Promise<void>): Promise<void> {
  return test(name, async (context) => {
    if (failed !== undefined) return context.skip(`"${failed}" failed before`);
    failed = name;
    await run(context);
    failed = undefined;
  });
}

/** The same composition on this computer, from the machine's own records and the build host's store. */
async function composedHere(): Promise<string> {
  const image = async (number: number): Promise<Image> =>
    (JSON.parse(await sudo(`cat /sysroot/ashlar/deployments/00000${number}.json`)) as { image: Image }).image;
  const store = await openStore(live.context.workspace.store);
  try {
    const [newer, older] = [openRoot(await image(3), store), openRoot(await image(2), store)];
    return compose({ newer, older, parts: PARTS, problemsOf: () => [] }).image.digest;
  } finally {
    await store.close();
  }
}

async function restart(): Promise<void> {
  await live.sudo("systemctl reboot");
  bootId = await live.nextStart(bootId);
  await live.ask("systemctl is-system-running --wait");
}

async function status(): Promise<Status> {
  return JSON.parse(await ask("ashlar status --json")) as Status;
}

async function trialOf(number: number): Promise<string | undefined> {
  return (await status()).generations.find(({ generation }) => generation === number)?.trial;
}

async function ask(script: string): Promise<string> {
  return ok(await live.ask(script));
}

async function sudo(script: string): Promise<string> {
  return ok(await live.sudo(script));
}

function ok({ exitCode, out, err }: { readonly exitCode: number; readonly out: string; readonly err: string }): string {
  assert.equal(exitCode, 0, err);
  return out;
}
