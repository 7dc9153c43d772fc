/** Verdicts through the machine's own program, on machines in folders. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ashlar, json, openLab, publisherHere } from "../../../test/support/machine-lab.ts";
import type { Lab } from "../../../test/support/machine-lab.ts";

const { home, publisher } = await publisherHere();

let labs = 0;
/** A machine that was good as generation 1 and has started generation 2, which is on trial. */
async function onTrial(): Promise<Lab> {
  const lab = await openLab(join(home.path, `lab-${++labs}`), publisher);
  mkdirSync(join(lab.machine.root, "proc/sys/kernel/random"), { recursive: true });
  await publisher.release(lab.releases, 2);
  await json(lab.machine, "upgrade");
  start(lab, 2);
  return lab;
}

let starts = 0;
/** The boot loader starts what is next; nobody judged it yet. */
function start({ machine }: Lab, expected: number): void {
  assert.equal(machine.boot(false), expected);
  writeFileSync(join(machine.root, "proc/sys/kernel/random/boot_id"), `boot-${++starts}\n`);
}

/** What the probe of the machine's config says from now on. */
function works({ machine }: Lab, exitCode: number): void {
  const path = join(machine.root, "usr/lib/ashlar/system.json");
  const system = JSON.parse(readFileSync(path, "utf8")) as object;
  const command = ["/bin/sh", "-c", `echo the page says ${exitCode}; exit ${exitCode}`];
  writeFileSync(path, JSON.stringify({ ...system, health: { units: [], commands: [{ name: "page", command, deadline: 5 }] } }));
}

const entries = ({ machine }: Lab): string[] => readdirSync(join(machine.root, "efi/loader/entries")).sort();

interface Status {
  readonly degraded?: string;
  readonly problems: readonly string[];
}

interface Verdicts {
  readonly verdicts: readonly { readonly generation: number; readonly reason: string; readonly alsoFailed?: number }[];
}

test("a failed probe ends the trial at once: the one before starts next, and everybody can read why", async () => {
  const lab = await onTrial();
  works(lab, 7);
  const { exitCode, out } = await ashlar(lab.machine, "health", "--judge");
  assert.equal(exitCode, 1);
  assert.match(
    out,
    /^failed: page: \/bin\/sh ended with exit code 7\n {2}the page says 7\nGeneration 2 is bad; generation 1 starts next\.\n$/,
  );
  assert.deepEqual(entries(lab), ["ashlar-000001.conf", "ashlar-000002+0-1.conf"]);
  start(lab, 1);
  const { verdicts } = await json<Verdicts>(lab.machine, "why-failed");
  assert.deepEqual(
    verdicts.map(({ generation, reason }) => [generation, reason]),
    [[2, "page: /bin/sh ended with exit code 7"]],
  );
  const { out: text } = await ashlar(lab.machine, "why-failed", "2");
  assert.match(text, /^Generation 2 \(image [0-9a-f]{12}, release 2\) failed its trial at \d{4}-\d\d-\d\d \d\d:\d\d UTC\.\nreason: page: /);
  assert.match(text, /\ncommand page: .* \(after .*\)\n {2}the page says 7\n$/);
  const { problems } = await json<Status>(lab.machine, "status");
  assert.deepEqual(problems, ["generation 2 failed its trial: page: /bin/sh ended with exit code 7; `ashlar why-failed 2` says more"]);
});

test("a denied image is not taken again, is known after it was collected, and is forgiven when it works", async () => {
  const lab = await onTrial();
  works(lab, 1);
  await ashlar(lab.machine, "health", "--judge");
  start(lab, 1);
  assert.equal((await ashlar(lab.machine, "upgrade")).exitCode, 3);
  await json(lab.machine, "collect");
  assert.deepEqual(entries(lab), ["ashlar-000001.conf"]);
  assert.equal((await ashlar(lab.machine, "upgrade")).exitCode, 3);
  assert.match((await json<Status>(lab.machine, "status")).problems.join(), /generation 2 failed its trial/);
  assert.equal((await json(lab.machine, "upgrade", "--retry"))["generation"], 3);
  start(lab, 3);
  works(lab, 0);
  assert.equal((await ashlar(lab.machine, "health", "--judge")).exitCode, 0);
  assert.deepEqual((await json<Verdicts>(lab.machine, "why-failed")).verdicts, []);
  assert.match((await ashlar(lab.machine, "why-failed")).out, /^No generation of this machine failed its trial\./);
});

test("when the one before fails the same probe, it stays, and the image is not to blame", async () => {
  const lab = await onTrial();
  works(lab, 1);
  await ashlar(lab.machine, "health", "--judge");
  start(lab, 1);
  const { out } = await ashlar(lab.machine, "health", "--judge");
  assert.match(out, /Generation 1 was good before, so it stays\.\nGeneration 2 failed the same probe: it is not the image\./);
  assert.deepEqual(entries(lab), ["ashlar-000001.conf", "ashlar-000002+0-1.conf"]);
  assert.match((await json<Status>(lab.machine, "status")).degraded ?? "", /^not the image: page: .* exit code 1, as in generation 2$/);
  assert.match((await ashlar(lab.machine, "status")).out, /\ndegraded: not the image: page: /);
  assert.equal((await json<Verdicts>(lab.machine, "why-failed")).verdicts[0]?.alsoFailed, 1);
  // Mended: nothing is degraded any more, and the denied one waits for a person.
  works(lab, 0);
  await ashlar(lab.machine, "health", "--judge");
  assert.equal((await json<Status>(lab.machine, "status")).degraded, undefined);
  assert.equal((await ashlar(lab.machine, "upgrade")).exitCode, 3);
});

test("what was degraded in another start is not degraded now", async () => {
  const lab = await onTrial();
  works(lab, 1);
  await ashlar(lab.machine, "health", "--judge");
  start(lab, 1);
  await ashlar(lab.machine, "health", "--judge");
  start(lab, 1);
  assert.equal((await json<Status>(lab.machine, "status")).degraded, undefined);
});

test("starts that left no verdict are explained at the next look", async () => {
  const lab = await onTrial();
  start(lab, 2);
  start(lab, 2);
  start(lab, 1);
  works(lab, 0);
  await ashlar(lab.machine, "health", "--judge");
  const [verdict] = (await json<Verdicts>(lab.machine, "why-failed")).verdicts;
  assert.match(verdict?.reason ?? "", /^it used up its 3 tries before it could write to the log: .* or its initrd does not start$/);
});

test("what the initrd wrote explains a start that ended there", async () => {
  const lab = await onTrial();
  for (const next of [2, 2, 1]) start(lab, next);
  writeFileSync(join(lab.machine.root, "sysroot/ashlar/failed-start.log"), "generation 2\n[3.1] image is altered\n");
  await ashlar(lab.machine, "collect");
  const { out } = await ashlar(lab.machine, "why-failed", "2");
  assert.match(out, /reason: it used up its 3 tries in the initrd\nlog:\n {2}\[3\.1\] image is altered\n/);
});

test("with no other generation a bad one stays up and says so; when it works after all, it is good", async () => {
  const lab = await onTrial();
  // Generation 1 is gone for a reason that nobody foresaw.
  lab.machine.open().loader.remove(1);
  works(lab, 1);
  assert.match((await ashlar(lab.machine, "health", "--judge")).out, /Generation 2 is bad, but there is no other one to start: it stays\./);
  assert.match((await json<Status>(lab.machine, "status")).degraded ?? "", /^no good generation is left: page: /);
  start(lab, 2);
  works(lab, 0);
  await ashlar(lab.machine, "health", "--judge");
  assert.deepEqual((await json<Verdicts>(lab.machine, "why-failed")).verdicts, []);
});

test("a person may condemn what is on trial, and nothing else", async () => {
  const lab = await onTrial();
  const { exitCode, out } = await ashlar(lab.machine, "condemn", "the fan is loud");
  assert.deepEqual([exitCode, out], [0, "Generation 2 is bad; generation 1 starts next.\n"]);
  start(lab, 1);
  assert.equal((await json<Verdicts>(lab.machine, "why-failed")).verdicts[0]?.reason, "the fan is loud");
  const good = await ashlar(lab.machine, "condemn");
  assert.deepEqual([good.exitCode, good.out], [1, "Generation 1 was good before, so it stays.\n"]);
  assert.equal((await json<Status>(lab.machine, "status")).degraded, undefined);
});

test("without --judge probes decide nothing", async () => {
  const lab = await onTrial();
  works(lab, 1);
  const before = entries(lab);
  assert.equal((await ashlar(lab.machine, "health")).exitCode, 1);
  assert.deepEqual(entries(lab), before);
  assert.equal(existsSync(join(lab.machine.root, "sysroot/ashlar/trials.json")), false);
});

test("a generation that never failed has no verdict to show", async () => {
  const lab = await onTrial();
  const { exitCode, err } = await ashlar(lab.machine, "why-failed", "1");
  assert.equal(exitCode, 1);
  assert.match(err, /nothing is known of a failed trial of generation 1/);
});
