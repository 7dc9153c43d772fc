/**
 * Everything that a machine wrote to its disk, from its first start through two upgrades, a rollback and a collection, in
 * the order in which the disk got it. It is made once for an image and kept below the cache:
 *
 *   test/power-cuts/<key>/base.img      the disk before the first start
 *   test/power-cuts/<key>/writes.log    every write and flush since (dm-log-writes format)
 *   test/power-cuts/<key>/phases.json   what the machine was doing, and which generations may start; complete when it is there
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildSystem } from "#pipeline";
import { silentReporter } from "#report/reporter.ts";
import { openToolchain } from "#toolchain/open.ts";
import { copyDisk } from "#vm/disk-copy.ts";
import { startMachine } from "#vm/machine.ts";
import { openWorkspace } from "#workspace";
import { makeDiskImage } from "../../src/pipeline/disk.ts";
import { liveOn } from "../support/live-machine.ts";
import type { Live } from "../support/live-machine.ts";
import { openProject } from "../support/live-project.ts";

export interface Phase {
  readonly name: string;
  /** Byte offset in the log at which it ended. */
  readonly end: number;
  /** Generations that may be the next to start after a power cut in this phase. */
  readonly allowed: readonly number[];
  /** Files below /state that must be there, with what is in them. */
  readonly kept: Readonly<Record<string, string>>;
}

export interface Recording {
  readonly folder: string;
  readonly base: string;
  readonly log: string;
  readonly phases: readonly Phase[];
}

/** Changing what is done must make a new recording. */
const FORMAT = 2;
const PART = "{ boot: { timeout: 0 } }";
const SECOND = `{ files: { "/etc/motd": "Generation two.\\n" } }`;
/** The same kernel and initrd: QEMU's log answers the writes of new ones to the ESP with an I/O error, which no disk gave. */
const THIRD = `{ files: { "/etc/motd": "Generation three.\\n" } }`;
const GIB = 2 ** 30;
const KEPT = "home/demo/kept";

/** The recording of today's image, made when there is none: three starts of a virtual machine. */
export async function openRecording(): Promise<Recording> {
  const context = { workspace: openWorkspace(), report: silentReporter };
  const home = join(context.workspace.root, "test/power-cuts");
  const toolchain = await openToolchain("vm", context);
  const project = await openProject({ folder: join(home, "project"), name: "recorded", part: PART, toolchain, context });
  project.write();
  const first = await buildSystem({ config: project.config }, context);
  const folder = join(home, `${FORMAT}-${first.image.digest.slice(0, 16)}`);
  if (existsSync(join(folder, "phases.json"))) return readRecording(folder);
  for (const old of readdirSync(home)) if (old !== "project") rmSync(join(home, old), { recursive: true });
  const aside = mkdtempSync(join(home, "making-"));
  const at = (name: string): string => join(aside, name);
  mkdirSync(at("served"));
  await makeDiskImage({ config: project.config, built: first, output: at("base.img"), size: 4 * GIB }, context);
  await project.publish(at("served/releases"));
  await copyDisk(at("base.img"), at("disk.img"), toolchain);
  writeFileSync(at("writes.log"), "");
  const { workspace } = context;
  const machine = await startMachine({
    disk: at("disk.img"),
    writeLog: at("writes.log"),
    serial: "pipe",
    sshPort: 0,
    toolchain,
    workspace,
  });
  const live = await liveOn({ machine, project, served: at("served"), toolchain, context, forget: () => {} });
  try {
    const phases = await liveThrough(live, () => statSync(at("writes.log")).size);
    await live.close();
    for (const name of ["disk.img", "served"]) rmSync(at(name), { recursive: true });
    writeFileSync(at("phases.json"), `${JSON.stringify(phases, null, 1)}\n`);
    renameSync(aside, folder);
  } catch (error) {
    await live.close();
    throw error;
  }
  return readRecording(folder);
}

/** A recording that was made before. */
export function readRecording(folder: string): Recording {
  const phases = JSON.parse(readFileSync(join(folder, "phases.json"), "utf8")) as Phase[];
  return { folder, base: join(folder, "base.img"), log: join(folder, "writes.log"), phases };
}

async function liveThrough(live: Live, position: () => number): Promise<Phase[]> {
  const phases: Phase[] = [];
  let kept: Phase["kept"] = {};
  const phase = async (name: string, allowed: readonly number[], work: () => Promise<void>): Promise<void> => {
    await work();
    phases.push({ name, end: position(), allowed, kept });
  };
  const root = async (script: string): Promise<void> => {
    const { exitCode, out, err } = await live.sudo(script);
    assert.equal(exitCode, 0, `${script}: ${out}${err}`);
  };
  // Whatever else fails, the generation must be good: then its writes are those of a machine that lives.
  const settled = (): Promise<void> =>
    root(
      "systemctl is-system-running --wait; systemctl --failed --no-legend; systemctl start systemd-bless-boot; ashlar status | grep 'runs.*good'",
    );
  const restart = async (): Promise<void> => {
    const { out: bootId } = await live.ask("cat /proc/sys/kernel/random/boot_id");
    await live.sudo("systemctl reboot");
    await live.nextStart(bootId);
    await settled();
  };
  const upgrade = (): Promise<void> => root(`ashlar upgrade --from ${live.address("releases")}`);
  await phase("first start", [1], async () => {
    await live.started;
    await settled();
  });
  await phase("a file is saved", [1], () => root(`echo precious >/${KEPT}; sync /${KEPT} /home/demo`));
  kept = { [KEPT]: "precious\n" };
  await live.publish(SECOND);
  await phase("upgrade", [1, 2], upgrade);
  await phase("restart, trial, blessing", [2], restart);
  await live.publish(THIRD);
  await phase("second upgrade", [2, 3], upgrade);
  await phase("second restart, trial, blessing", [3], restart);
  await phase("rollback", [3, 2], () => root("ashlar rollback 2"));
  await phase("forward again", [2, 3], () => root("ashlar rollback 3"));
  await phase("collect", [3], () => root("ashlar collect --keep 0"));
  await phase("shutdown", [3], async () => {
    await live.machine.powerDown();
    await live.machine.exited;
  });
  return phases;
}
