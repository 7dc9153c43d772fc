/**
 * A machine that has lived gets another kernel, another nginx and another config, and goes back in parts: the composed
 * generation runs the old parts and the new rest. Before that, a damaged disk is healed over HTTP.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before } from "node:test";
import { compose } from "#compose/compose.ts";
import { openRoot } from "#compose/root.ts";
import type { Image } from "#image/image.ts";
import { dumpImage } from "#pipeline";
import { openStore } from "#store/open.ts";
import { openInstalled } from "../support/installed.ts";
import type { Live } from "../support/live-machine.ts";
import { lockOlder } from "../support/older-packages.ts";
import { personAt } from "../support/person.ts";
import { onMachine } from "../support/steps.ts";

/** A file of a package, in no program's memory. */
const VICTIM = "/usr/share/common-licenses/GPL-3";
const PARTS = ["kernel", "services.nginx"];
/** As in test/root/compose.test.ts, which makes the same base of them. */
const OTHERS = ["nginx", "nginx-common", "nginx-light", "linux-image-cloud-amd64", "libssl3t64"];
const THIRD = `{
  kernel: { arguments: ["loglevel=5"] },
  files: { "/etc/motd": "Generation three.\\n", "/etc/nginx/conf.d/three.conf": "keepalive_requests 77;\\n", "/etc/kept.conf": "three" },
  state: { etc: ["kept.conf"] },
  sysctl: { "kernel.panic_on_oops": 1 },
}`;
const LOOK = `uname -r; dpkg-query -W -f '\${Version}\\n' nginx; grep -o loglevel=. /proc/cmdline; ls /etc/nginx/conf.d; cat /etc/motd
  cat /proc/sys/kernel/panic_on_oops; curl -sS http://localhost/ | head -1`;

let live: Live;
const step = onMachine(() => live);
const { ask, sudo, status, restart, finished } = personAt(() => live);
let second: string;

before(async () => {
  live = await openInstalled();
});

after(async () => {
  await live?.close();
});

step("flipped bytes are healed: of a file over HTTP, of the kernel on the ESP from the store; reads are right", async (t) => {
  const { booted } = await status<Status>();
  const line = (await dumpImage({ digest: booted.digest }, live.context)).split("\n").find((entry) => entry.startsWith(`${VICTIM} `));
  const object = line?.split(" ")[8] ?? "";
  assert.match(object, /^[0-9a-f]{2}\/[0-9a-f]{62}$/);
  const content = await ask(`cat ${VICTIM}`);
  const linux = await sudo("ls /efi/ashlar/*/linux | head -1");
  const kernel = await sudo(`sha256sum ${linux}`);
  const { exitCode, err } = await live.sudo(`
    printf X | dd of=${linux} bs=1 seek=5000000 conv=notrunc,fsync status=none
    set -- $(debugfs -R "blocks /ashlar/store/objects/${object}" /dev/vda2 2>/dev/null)
    printf X | dd of=/dev/vda2 bs=1 seek=$(($2*4096+99)) conv=notrunc,fsync status=none
    sync; echo 3 >/proc/sys/vm/drop_caches; cat ${VICTIM}`);
  assert.equal(exitCode, 1);
  assert.match(err, /Input\/output error/);
  // In the background: on a busy computer it takes longer than a login may.
  await sudo(
    `systemd-run --quiet --unit=repair sh -c "ashlar fsck --repair --from ${live.address("releases")} --json --progress quiet >/run/repair"`,
  );
  t.diagnostic(`ashlar fsck --repair: ${await finished("repair")} s`);
  const repaired = JSON.parse(await sudo("cat /run/repair")) as Repaired;
  assert.deepEqual([repaired.healed, repaired.boot, repaired.rewritten, repaired.left], [[object.replace("/", "")], [linux], [linux], 0]);
  assert.equal(await ask(`cat ${VICTIM}`), content);
  assert.equal(await sudo(`sha256sum ${linux}`), kernel);
  assert.match(await sudo(`fsverity measure /sysroot/ashlar/store/objects/${object}`), new RegExp(`^sha256:${object.replace("/", "")} `));
});

step("an upgrade brings another kernel, another nginx, another config", async (t) => {
  if (!(await lockOlder(join(live.project.folder, "web/machine.lock.json"), OTHERS, live.context)))
    t.diagnostic("the archive has only one version of each package: only the config differs");
  second = await ask(LOOK);
  await live.publish(THIRD);
  await sudo(`ashlar upgrade --from ${live.address("releases")}`);
  await restart();
  const third = await ask(LOOK);
  t.diagnostic(`generation 2: ${second.replaceAll("\n", " ")}; generation 3: ${third.replaceAll("\n", " ")}`);
  assert.match(third, /\nloglevel=5\nthree\.conf\nGeneration three\.\n1\n/);
  assert.deepEqual([(await status<Status>()).booted.generation, await trialOf(3)], [3, "good"]);
});

step("kernel and nginx go back, the rest stays; what is composed is what another computer composes", async (t) => {
  const only = `--only ${PARTS.join(",")} --from 2`;
  await sudo("echo the machine >/etc/kept.conf");
  await sudo(`systemd-run --quiet --unit=compose sh -c "ashlar rollback ${only} --json --progress quiet >/run/compose"`);
  t.diagnostic(`ashlar rollback --only: ${await finished("compose")} s`);
  const made = JSON.parse(await sudo("cat /run/compose")) as {
    readonly outcome: string;
    readonly generation: number;
    readonly digest: string;
  };
  assert.deepEqual([made.outcome, made.generation, made.digest], ["staged", 4, await composedHere()]);
  await restart();
  const [kernel, nginx, ...rest] = (await ask(LOOK)).split("\n");
  assert.deepEqual([kernel, nginx], second.split("\n").slice(0, 2));
  // No loglevel on the command line, no three.conf.
  assert.deepEqual(rest.slice(0, 2), ["Generation three.", "1"]);
  const now = await status<Status>();
  assert.deepEqual([now.booted.generation, now.booted.digest, await trialOf(4)], [4, made.digest, "good"]);
  assert.equal(await ask("dpkg --audit"), "");
  assert.match(await sudo("cat /sysroot/ashlar/deployments/000004.json"), /"composedFrom":\{"base":/);
  assert.equal(await ask("cat /etc/kept.conf"), "the machine", "declared state is one for all generations");
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

async function trialOf(number: number): Promise<string | undefined> {
  return (await status<Status>()).generations.find(({ generation }) => generation === number)?.trial;
}
