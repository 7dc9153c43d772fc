/**
 * Bad days of one machine that has lived: Failsafe from the boot menu with the data untouched, and from there a factory
 * reset to the generation that it was installed with. Three starts, shared by the tests in order.
 */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { openShell, runCommand } from "#vm/console.ts";
import { openInstalled } from "../support/installed.ts";
import { BOOT_MS } from "../support/live-machine.ts";
import type { Live } from "../support/live-machine.ts";
import { personAt } from "../support/person.ts";
import { onMachine } from "../support/steps.ts";

/** A lab's machine: whoever is at its console may be root. */
const PART = `{ boot: { failsafe: "shell" }, files: { "/etc/motd": "Generation three.\\n" } }`;
const ONE_SHOT = "/sys/firmware/efi/efivars/LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
const COMMAND_MS = 120_000;

let live: Live;
const step = onMachine(() => live);
const { sudo, bootId, settled, restart, until } = personAt(() => live);
let installedDigest: string;
let machineId: string;
let hostKey: string;

before(async () => {
  live = await openInstalled();
});

after(async () => {
  await live?.close();
});

step("the menu's Failsafe is on the newest good generation, last of all, and never the next", async (context) => {
  const { generations } = JSON.parse(await sudo("ashlar generations --json")) as { generations: { generation: number; digest: string }[] };
  installedDigest = generations.find(({ generation }) => generation === 1)?.digest ?? "";
  machineId = await sudo("cat /etc/machine-id");
  hostKey = await sudo("cat /etc/ssh/ssh_host_ed25519_key.pub");
  await sudo("echo mine >/home/demo/file; mkdir -p /var/lib/app; echo rows >/var/lib/app/data; echo changed >/etc/motd; sync");
  await live.publish(PART);
  await sudo(`ashlar upgrade --from ${live.address("releases")}`);
  context.diagnostic(`restarted in ${await restart()} s`);
  await sudo("ashlar collect");
  assert.equal(await sudo("ls /efi/loader/entries"), "ashlar-000001.conf\nashlar-000002.conf\nashlar-000003.conf\nashlar-failsafe+0.conf");
  assert.match(await sudo("cat /efi/loader/entries/ashlar-failsafe+0.conf"), /ashlar\.generation=3 ashlar\.failsafe/);
  assert.equal((JSON.parse(await sudo("ashlar status --json")) as { next: { generation: number } }).next.generation, 3);
});

step("Failsafe gives a shell with the defaults, and the data can be read and not written", async () => {
  const { console } = live.machine;
  await choose("ashlar-failsafe*");
  await console.waitFor(/Failsafe: the defaults of generation 3/, BOOT_MS);
  await console.waitFor(/# $/, COMMAND_MS);
  await openShell(console, COMMAND_MS);
  assert.equal(await run("cat /etc/motd"), "Generation three.");
  assert.equal(await run("cat /state/var/lib/app/data /home/demo/file"), "rows\nmine");
  assert.equal(await run("cat /etc/machine-id"), machineId);
  assert.match(await run("touch /state/var/lib/app/x /home/demo/x /srv/x 2>&1"), /(Read-only file system[^]*){3}/);
  assert.match(await run("findmnt -no FSTYPE /var; ls /var/lib/app 2>&1"), /^tmpfs\nls: .*No such file/);
  assert.match(await run("ashlar status | head -1"), /runs generation 3 \(good\)/);
  assert.match(await run("ls /efi/loader/entries | grep failsafe"), /^ashlar-failsafe\+0(-1)?\.conf$/);
  assert.match(await run("systemctl is-enabled systemd-bless-boot.service"), /^masked/, "it must not be taken for good");
});

step("a reset asks first, and then the machine is what was installed: image, data and identity", async (context) => {
  assert.match(await run("ashlar reset; echo code $?"), /a reset goes back to generation 1[^]*nothing was changed[^]*code 2/);
  assert.match(await run("ashlar reset --yes"), new RegExp(`generation 1 \\(${installedDigest.slice(0, 12)}\\) starts, and all data`));
  const before = Date.now();
  // Leaving the shell restarts the machine.
  live.machine.console.send("exit\n");
  await live.nextStart("");
  await settled();
  context.diagnostic(`started in ${Math.round((Date.now() - before) / 1000)} s`);
  assert.match(await sudo("findmnt -no SOURCE /"), new RegExp(`^composefs:${installedDigest}$`), "the same digest as the first install");
  assert.equal(await sudo("ls /home/demo/file /var/lib/app 2>&1 | grep -c 'No such'"), "2");
  assert.notEqual(await sudo("cat /etc/machine-id"), machineId);
  assert.notEqual(await sudo("cat /etc/ssh/ssh_host_ed25519_key.pub"), hostKey);
  // Other generations held what belonged to the last owner.
  await until("test ! -e /sysroot/ashlar/reset-done");
  const { generations } = JSON.parse(await sudo("ashlar generations --json")) as { generations: { generation: number; trial: string }[] };
  assert.deepEqual(
    generations.map(({ generation, trial }) => [generation, trial]),
    [[1, "good"]],
  );
  assert.match(await sudo("ls /efi/loader/entries"), /^ashlar-000001\.conf\nashlar-failsafe\+0\.conf$/);
  assert.match(await sudo("cat /efi/loader/entries/ashlar-failsafe+0.conf"), /ashlar\.generation=1 /);
  assert.match(await sudo("ashlar fsck"), /The store is sound/);
  // Numbers and sequences never go back: the release that it had can be had again, as a new generation.
  assert.match(await sudo(`ashlar upgrade --from ${live.address("releases")}`), /^Generation 4 \(release 3\) is ready/);
});

step("the menu's Factory reset asks at the console, and keeps the data where that is the answer", async (context) => {
  const { console } = live.machine;
  await live.publish(`{ boot: { factoryReset: true }, files: { "/etc/motd": "Generation five.\\n" } }`);
  await sudo(`ashlar upgrade --from ${live.address("releases")}`);
  context.diagnostic(`restarted in ${await restart()} s`);
  machineId = await sudo("cat /etc/machine-id; echo kept >/home/demo/file; sync");
  for (const { answer, motd } of [
    { answer: "no", motd: /^Generation five/ },
    { answer: "keep", motd: /^(?!Generation)/ },
  ]) {
    const start = await bootId();
    await choose("ashlar-reset*");
    await console.waitFor(/Type erase or keep/, BOOT_MS);
    console.send(`${answer}\n`);
    const before = Date.now();
    await live.nextStart(start);
    await settled();
    context.diagnostic(`started in ${Math.round((Date.now() - before) / 1000)} s`);
    assert.match(await sudo("cat /etc/motd"), motd, answer);
    assert.equal(await sudo("cat /home/demo/file; cat /etc/machine-id"), `kept\n${machineId}`, answer);
  }
  assert.match(await sudo("findmnt -no SOURCE /"), new RegExp(`^composefs:${installedDigest}$`));
});

/** What choosing an entry in the menu does, without somebody at the keyboard; restarts. */
async function choose(entry: string): Promise<void> {
  const variable = Buffer.concat([Buffer.from([7, 0, 0, 0]), Buffer.from(`${entry}\0`, "utf16le")]);
  await sudo(`chattr -i ${ONE_SHOT} 2>/dev/null; echo ${variable.toString("base64")} | base64 -d >${ONE_SHOT}`);
  await live.sudo("systemctl reboot");
}

/** What a command prints in the shell on the console. */
async function run(command: string): Promise<string> {
  return (await runCommand(live.machine.console, command, COMMAND_MS)).output;
}
