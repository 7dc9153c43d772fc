/**
 * One machine from its first start to going back, through what a person types: what is promised of a running machine, a
 * damaged disk, refused updates, full disks, a generation that fails its trial. A start takes half a minute under emulation,
 * so the tests share five of them and build on each other, in order.
 */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { dumpImage } from "#pipeline";
import { manifestPath, objectPath } from "#registry/layout.ts";
import { BOOT_MS, openLive } from "../support/live-machine.ts";
import type { Live, Ran } from "../support/live-machine.ts";
import { onMachine } from "../support/steps.ts";
import { parseRelease, renderRelease } from "#registry/release.ts";
import { writeTrust } from "#registry/trust/folder.ts";
import { placeFiles } from "#registry/trust/place.ts";
import { makeKeys } from "../support/keys.ts";

/** All that `dpkg --verify` may say, with the reasons in docs/formats/image.md ("What dpkg thinks of it"). */
const VERIFY_EXPECTED = [/^missing +\/boot\/(System\.map|config|vmlinuz)-\S+$/, /^\?\?5\?\?\?\?\?\? +\/usr\/lib\/os-release$/] as const;
/** A file of a package, in no program's memory. */
const VICTIM = "/usr/share/common-licenses/GPL-3";
const BAD = `{ health: { commands: [{ name: "never", command: ["/usr/bin/false"], deadline: 10 }] } }`;
const GOOD = `{ files: { "/etc/motd": "Release two.\\n" } }`;
/** Takes all that is free of both file systems, with what ext4 reserves for root. */
const FILL_DISKS = `dd if=/dev/zero of=/efi/fill bs=1M 2>/dev/null; mkdir -p /srv/fill; i=0
for size in 512M 64M 8M 1M 64K 4K; do while fallocate -l $size /srv/fill/$i 2>/dev/null; do i=$((i+1)); done; rm -f /srv/fill/$i; done
stat -f -c %a /efi /sysroot`;
const EMPTY_DISKS = "rm -rf /efi/fill /srv/fill";
/** What must be the same at every start of one machine. */
const IDENTITY = "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub /var/lib/kept /home/demo/kept";

interface Status {
  readonly booted: { readonly generation: number; readonly digest: string };
  readonly next: { readonly generation: number };
  readonly complete: boolean;
  readonly problems: readonly string[];
  readonly generations: readonly { readonly generation: number; readonly trial: string; readonly pinned: boolean }[];
}

let live: Live;
const step = onMachine(() => live);
let bootId: string;
let firstDigest: string;
let identity: string;

before(async () => {
  live = await openLive("life", "{ boot: { tries: 1, timeout: 0 } }");
});

after(async () => {
  await live?.close();
});

step("the first start is healthy, and its entry lost its counter", async (context) => {
  const started = await live.started;
  const ran = await ask("systemctl is-system-running --wait; systemctl --failed --no-legend; cat /proc/sys/kernel/random/boot_id");
  assert.match(ran, /^running\n[0-9a-f-]{36}$/);
  bootId = ran.split("\n")[1] ?? "";
  context.diagnostic(`ssh after ${started} s; ${await ask("systemd-analyze | head -1")}`);
  assert.equal(await sudo("ls /efi/loader/entries"), "ashlar-000001.conf\nashlar-failsafe+0.conf");
  assert.match(await sudo("ashlar health"), /^All 2 health probes passed\.$/);
  assert.match(await ask("curl -sS http://localhost/"), /<html/i);
});

step("an ordinary user sees what runs and what starts next", async () => {
  const status = await statusOf();
  assert.equal(status.booted.generation, 1);
  assert.deepEqual(status.next, { generation: 1 });
  assert.equal(status.complete, true);
  assert.deepEqual(status.problems, []);
  assert.deepEqual(
    status.generations.map(({ generation, trial }) => [generation, trial]),
    [[1, "good"]],
  );
  firstDigest = status.booted.digest;
  assert.match(await ask("ashlar status"), /^life: runs generation 1 \(good\); starts it again\n/);
});

step("the root is the image of the entry, read-only even for root, and every read is checked", async () => {
  const [source, type, options = ""] = (await ask("findmnt -n -o SOURCE,FSTYPE,OPTIONS /")).split(/\s+/);
  assert.deepEqual([source, type], [`composefs:${firstDigest}`, "overlay"]);
  for (const option of ["ro", "verity=require", "metacopy=on"]) assert.ok(options.split(",").includes(option), options);
  const { exitCode, err } = await live.sudo("touch /usr/x; touch /x");
  assert.equal(exitCode, 1);
  assert.equal(err, "touch: cannot touch '/usr/x': Read-only file system\ntouch: cannot touch '/x': Read-only file system");
  const measured = await sudo("cd /sysroot/ashlar/store/objects; for object in 0*/?[0-3]*; do fsverity measure $object; done");
  const lines = measured.split("\n");
  assert.ok(lines.length > 50);
  for (const line of lines) {
    const [, digest, path] = /^sha256:(\w+) (\S+)$/.exec(line) ?? [];
    assert.equal(digest, path?.replace("/", ""));
  }
});

step("dpkg finds nothing wrong but what the image changes on purpose", async () => {
  assert.equal(await sudo("dpkg --audit"), "");
  const { out } = await live.sudo("dpkg --verify");
  const unexpected = out.split("\n").filter((line) => !VERIFY_EXPECTED.some((expected) => expected.test(line)));
  assert.deepEqual(unexpected, []);
});

step("a kernel module that the initrd does not have is loaded from the root, with what it needs", async () => {
  await sudo("modprobe 8021q");
  assert.match(await ask("cat /proc/modules"), /^8021q [^]*^garp /m);
  // Debian's kernel signs its modules; one that was altered would taint it.
  assert.equal(await ask("cat /sys/module/8021q/taint"), "");
  const file = await sudo("modinfo -n 8021q");
  assert.match(file, /^\/(usr\/)?lib\/modules\/.+\/8021q\.ko$/);
  assert.equal(await sudo("modinfo -F sig_hashalgo 8021q"), "sha256");
});

step("an edit of /etc works at once", async () => {
  await sudo("echo edited >/etc/edited; echo of-var >/var/lib/kept; echo of-home >/home/demo/kept");
  assert.equal(await ask("cat /etc/edited"), "edited");
  identity = await ask(IDENTITY);
});

step("a flipped byte is an I/O error on that file, never wrong content, and fsck names the object", async () => {
  const line = (await dumpImage({ digest: firstDigest }, live.context)).split("\n").find((entry) => entry.startsWith(`${VICTIM} `));
  const object = line?.split(" ")[8] ?? "";
  assert.match(object, /^[0-9a-f]{2}\/[0-9a-f]{62}$/);
  const content = await ask(`cat ${VICTIM}`);
  const { exitCode, out, err } = await live.sudo(`
    set -- $(debugfs -R "blocks /ashlar/store/objects/${object}" /dev/vda2 2>/dev/null)
    printf X | dd of=/dev/vda2 bs=1 seek=$(($2*4096+99)) conv=notrunc,fsync status=none
    sync; echo 3 >/proc/sys/vm/drop_caches
    dmesg -C; cat ${VICTIM}; code=$?; dmesg | grep FILE.CORRUPTED >&2; exit $code`);
  assert.equal(exitCode, 1);
  assert.match(err, new RegExp(`^cat: ${VICTIM}: Input/output error\n`));
  assert.match(err, /fs-verity \(vda2, inode \d+\): FILE CORRUPTED!/);
  assert.ok(out.length < content.length && content.startsWith(out));
  const fsck = await live.sudo("ashlar fsck --json --progress quiet");
  assert.equal(fsck.exitCode, 1);
  const { problems } = JSON.parse(fsck.out) as { problems: { kind: string; path: string }[] };
  assert.deepEqual(
    problems.map(({ kind, path }) => [kind, path]),
    [["unreadable", `/sysroot/ashlar/store/objects/${object}`]],
  );
});

step("releases that may not be taken are refused by name, and change nothing", async () => {
  const { image } = await live.publish(BAD);
  const releases = join(live.served, "releases");
  const generations = await sudo("ls -l /efi/loader/entries /sysroot/ashlar/deployments");

  // Signed by somebody else; altered after it was signed.
  const forged = copyRelease("forged");
  const stranger = makeKeys(join(live.served, "stranger"));
  const release = parseRelease(readFileSync(join(forged, manifestPath(1))), forged);
  const add = { release, manifest: renderRelease(release), channel: "stable", barrier: false };
  rmSync(join(forged, "trust"), { recursive: true });
  writeTrust(forged, placeFiles({ signing: stranger, before: undefined, where: forged, add, now: Date.now() }));
  refused(await upgrade("forged"), "E_TRUST_UNSIGNED");
  const altered = copyRelease("altered");
  writeFileSync(
    join(altered, manifestPath(1)),
    readFileSync(join(altered, manifestPath(1)), "utf8").replace('"sequence":1', '"sequence":9'),
  );
  refused(await upgrade("altered"), "E_TRUST_MISMATCH");

  const object = join(releases, objectPath(image.digest));
  renameSync(object, `${object}.away`);
  refused(await upgrade("releases"), "E_OBJECT_MISSING", new RegExp(image.digest.slice(2)));
  renameSync(`${object}.away`, object);

  const full = await sudo(FILL_DISKS);
  assert.equal(full, "0\n0");
  refused(await upgrade("releases"), "E_STAGE_SPACE", /\(\d+ bytes\), 0 B are free \(0 bytes\)/);
  await sudo("rm -r /srv/fill");
  refused(await upgrade("releases"), "E_ESP_FULL", /\(\d+ bytes\), 0 B are free \(0 bytes\)/);
  await sudo(EMPTY_DISKS);
  assert.equal(await sudo("ls -l /efi/loader/entries /sysroot/ashlar/deployments"), generations);
});

step("a generation that fails its trial restarts by itself, and the machine is back on the good one", async () => {
  const { out } = await upgrade("releases");
  assert.match(out, /"outcome":"staged"/);
  assert.equal(await sudo("ls /efi/loader/entries"), "ashlar-000001.conf\nashlar-000002+1.conf\nashlar-failsafe+0.conf");
  await reboot();
  await live.machine.console.waitFor(/ashlar: this generation failed its trial; restarting/, BOOT_MS);
  const failedStart = bootId;
  for (let status: Status | undefined; status?.booted.generation !== 1;) {
    bootId = await live.nextStart(bootId);
    // This may still be the start that is about to end: then the connection breaks, or it says so.
    const { exitCode, out: json } = await live.ask("ashlar status --json");
    if (exitCode === 0) status = JSON.parse(json) as Status;
  }
  assert.notEqual(bootId, failedStart);
  const status = await statusOf();
  assert.equal(status.booted.digest, firstDigest);
  assert.deepEqual(status.next, { generation: 1 });
  assert.deepEqual(
    status.generations.map(({ generation, trial }) => [generation, trial]),
    [
      [1, "good"],
      [2, "failed"],
    ],
  );
  assert.match(status.problems.join("\n"), /generation 2 failed its trial/);
  assert.match(await sudo("journalctl --no-pager -b -1 -u ashlar-health"), /failed: never: /);
  const again = await live.sudo(`ashlar upgrade --from ${live.address("releases")}`);
  assert.equal(again.exitCode, 3);
  assert.match(again.out, /^Release 1 failed its trial as generation 2 and was not staged again/);
});

step("after a restart the edit of /etc is gone, and the machine's identity and data are the same", async () => {
  assert.equal((await live.ask("cat /etc/edited")).exitCode, 1);
  assert.equal(await ask(IDENTITY), identity);
  assert.equal(await ask("systemctl is-system-running --wait; systemctl --failed --no-legend"), "running");
});

step("the next good release starts, and an older one is refused from then on", async () => {
  copyRelease("older");
  await live.publish(GOOD);
  assert.match((await upgrade("releases")).out, /"outcome":"staged"/);
  refused(await upgrade("older"), "E_TRUST_ROLLBACK");
  await restart();
  const status = await statusOf();
  assert.equal(status.booted.generation, 3);
  assert.notEqual(status.booted.digest, firstDigest);
  assert.equal(await ask("cat /etc/motd"), "Release two.");
  assert.equal(await ask(IDENTITY), identity);
});

step("generations are listed, pinned and unpinned, and a collection says what stays and why", async () => {
  await ask("systemctl is-system-running --wait");
  // The upgrade made room for itself: the generation that failed is gone, and remembered.
  assert.match(await ask("ashlar generations"), /\n +3 .*good, running, next\n +1 .*good$/);
  const gone = await live.sudo("ashlar pin 2");
  assert.match(gone.err, /code: +E_GENERATION_UNKNOWN/);
  assert.match(await sudo("ashlar pin 1"), /^Generation 1 is now pinned/);
  assert.match(await sudo("ashlar collect --dry-run"), /^No generation can go\.\n +kept 1: pinned\n +kept 3: running\n/);
  assert.match(await sudo("ashlar unpin 1"), /^Generation 1 is now not pinned/);
  assert.match(await sudo("ashlar collect --dry-run"), /^No generation can go\.\n +kept 1: good\n +kept 3: running\n/);
});

step("going back needs no free byte on either file system", async () => {
  assert.equal(await sudo(FILL_DISKS), "0\n0");
  assert.match(await sudo("ashlar rollback"), /^Generation 1 starts at the next reboot\.$/);
  await restart();
  const status = await statusOf();
  assert.deepEqual([status.booted.generation, status.booted.digest], [1, firstDigest]);
  assert.equal(await ask(IDENTITY), identity);
  assert.equal(await ask("systemctl is-system-running --wait; systemctl --failed --no-legend"), "running");
  await sudo(EMPTY_DISKS);
});

async function ask(script: string): Promise<string> {
  return succeeded(script, await live.ask(script));
}

async function sudo(script: string): Promise<string> {
  return succeeded(script, await live.sudo(script));
}

function succeeded(script: string, { exitCode, out, err }: Ran): string {
  assert.equal(exitCode, 0, `${script}\n${out}\n${err}`);
  return out;
}

async function statusOf(): Promise<Status> {
  return JSON.parse(await ask("ashlar status --json")) as Status;
}

function upgrade(name: string): Promise<Ran> {
  return live.sudo(`ashlar upgrade --json --progress quiet --from ${live.address(name)}`);
}

function refused({ exitCode, err }: Ran, code: string, message = /./): void {
  assert.equal(exitCode, 1, err);
  const { error } = JSON.parse(err) as { error: { code: string; message: string; hint?: string } };
  assert.equal(error.code, code, err);
  assert.match(error.message, message);
  assert.ok(error.hint !== undefined);
}

/** The connection may end before the command does. */
async function reboot(): Promise<void> {
  const { exitCode, err } = await live.sudo("systemctl reboot");
  assert.ok(exitCode === 0 || exitCode === 255, err);
}

async function restart(): Promise<void> {
  await reboot();
  bootId = await live.nextStart(bootId);
}

/** What there is of the releases without their objects, for a test to spoil. */
function copyRelease(name: string): string {
  const to = join(live.served, name);
  mkdirSync(to);
  for (const part of ["ashlar.json", "releases", "trust"]) cpSync(join(live.served, "releases", part), join(to, part), { recursive: true });
  return to;
}
