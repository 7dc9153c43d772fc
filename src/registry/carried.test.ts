/** A release on its way by hand: whole for the machines it is for, refused before anything happens by others. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { runCli } from "../../test/support/cli.ts";
import { rootOf } from "../../test/support/keys.ts";
import { ashlar, bootState, json, openLab, publisherHere } from "../../test/support/machine-lab.ts";
import { installMachine } from "../../test/support/fake-machine.ts";

const { home: place, publisher } = await publisherHere();
const at = (name: string): string => join(place.path, name);

before(async () => {
  for (const version of [1, 2, 3]) await publisher.release(at("releases"), version);
});

const carry = (folder: string, ...from: string[]) =>
  runCli(["export", "--usb", folder, "--of", at("releases"), ...from.flatMap((name) => ["--from", name]), "--json"]);

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

void test("a machine with the named release takes it from the folder, whose objects are only those that it lacks", async () => {
  const { machine } = await openLab(at("fits"), publisher);
  const { exitCode, stdout, stderr } = await carry(at("stick"), "1");
  assert.equal(exitCode, 0, stderr);
  const { release, objects, from } = JSON.parse(stdout) as { release: number; objects: number; from: number[] };
  assert.deepEqual([release, from], [3, [1]]);
  // One file and the image differ.
  assert.equal(objects, 2);
  assert.equal(filesIn(at("stick/objects")).length, 2);
  const upgraded = await json<{ outcome: string; release: number }>(machine, "upgrade", "--from", at("stick"));
  assert.deepEqual([upgraded.outcome, upgraded.release], ["staged", 3]);
});

void test("a machine with another release is told so, and nothing has changed", async () => {
  await publisher.release(at("other"), 9);
  const machine = await installMachine(at("machine"), at("other"), rootOf(publisher.keys));
  rmSync(join(machine.root, "sysroot/ashlar/store/objects"), { recursive: true });
  await carry(at("stick"), "2");
  const state = bootState(machine);
  const { exitCode, err } = await ashlar(machine, "upgrade", "--from", at("stick"));
  assert.equal(exitCode, 1);
  assert.match(err, /has only what machines with release 2 lack/);
  assert.match(err, /E_UPDATE_PARTIAL/);
  assert.deepEqual(bootState(machine), state);
});

void test("without --from everything is carried; a second export into the same folder copies nothing again", async () => {
  const first = JSON.parse((await carry(at("whole"))).stdout) as { bytes: number };
  const second = JSON.parse((await carry(at("whole"))).stdout) as { bytes: number };
  assert.ok(first.bytes > 20_000);
  assert.equal(second.bytes, 0);
  const { machine } = await openLab(at("whole-lab"), publisher);
  assert.equal((await json<{ release: number }>(machine, "upgrade", "--from", at("whole"))).release, 3);
});

void test("a release that the folder does not have, and a folder without releases, are refused by name", async () => {
  const unknown = await carry(at("never"), "77");
  assert.equal(unknown.exitCode, 1);
  assert.match(unknown.stderr, /E_CARRY_FROM/);
  assert.match(unknown.stderr, /it has 1, 2, 3/);
  const none = await runCli(["export", "--usb", at("never"), "--of", place.path, "--json"]);
  assert.match(none.stderr, /E_SOURCE_FORMAT/);
  for (const wrong of [["--usb", "/x"], ["--usb", "/x", "--oci", "/y", "--of", "/z"], []])
    assert.equal((await runCli(["export", ...wrong])).exitCode, 2, wrong.join(" "));
});

void test("a spoiled note of what is carried is an error, not a guess", async () => {
  const { machine } = await openLab(at("spoiled"), publisher);
  await carry(at("stick-2"), "1");
  for (const text of ["", "{}", '{"version":1,"release":1,"from":[],"objects":["x"]}']) {
    writeFileSync(at("stick-2/carried.json"), text);
    assert.match((await ashlar(machine, "upgrade", "--from", at("stick-2"))).err, /E_SOURCE_FORMAT/);
  }
});

void test("a changed manifest in the folder is refused as anywhere else", async () => {
  const { machine } = await openLab(at("changed"), publisher);
  await carry(at("stick-3"), "1");
  const path = at("stick-3/releases/3.json");
  writeFileSync(path, readFileSync(path, "utf8").replace('"quiet"', '"shell"'));
  const state = bootState(machine);
  const { exitCode } = await ashlar(machine, "upgrade", "--from", at("stick-3"));
  assert.equal(exitCode, 1);
  assert.deepEqual(bootState(machine), state);
});
