/**
 * A machine that has lived: installed as generation 1, upgraded to generation 2 and restarted into it. It is made once for
 * all tests and kept with the state of its memory, so that each test goes on from there within seconds. Below the cache:
 *
 *   test/installed/project/        config and keys; they never change, or the images would
 *   test/installed/<key>/          disk.img, memory, variables.fd, served/releases/, complete
 *
 * While Ashlar itself is being changed, making it anew for each change takes minutes. `ASHLAR_INSTALLED=<key folder>` goes on
 * from one that is there, and puts today's program, units and scripts over those of its image (`push.ts`).
 */
import assert from "node:assert/strict";
import { closeSync, cpSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buildSystem } from "#pipeline";
import type { Context } from "#pipeline";
import { makeDiskImage } from "../../src/pipeline/disk.ts";
import { silentReporter } from "#report/reporter.ts";
import { tryLock } from "#sys/flock.ts";
import { openToolchain } from "#toolchain/open.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { startMachine } from "#vm/machine.ts";
import type { Machine } from "#vm/machine.ts";
import { openWorkspace } from "#workspace";
import { BOOT_MS, liveOn } from "./live-machine.ts";
import type { Live } from "./live-machine.ts";
import { openProject } from "./live-project.ts";
import type { LiveProject } from "./live-project.ts";
import { push } from "./push.ts";

/** One try, so that a bad generation gives way after one start. */
const PART = "{ boot: { tries: 1, timeout: 0 } }";
/** How the second generation, which runs, differs from the first. */
const SECOND = `{ files: { "/etc/motd": "Generation two.\\n" } }`;
/** States of other images that stay, newest first; each takes about a gigabyte. */
const KEPT = 3;
const GIB = 2 ** 30;
const DISK_BYTES = 4 * GIB;

interface Lab {
  readonly context: Context;
  readonly toolchain: Toolchain;
  readonly project: LiveProject;
}

/** Resumes the machine on a disk that is forgotten. Releases go on from number 2. */
export async function openInstalled(): Promise<Live> {
  const context = { workspace: openWorkspace(), report: silentReporter };
  const home = join(context.workspace.root, "test/installed");
  mkdirSync(home, { recursive: true });
  const toolchain = await openToolchain("vm", context);
  const given = process.env["ASHLAR_INSTALLED"];
  const state =
    given ??
    (await locked(home, async () => {
      const project = await openProject({ folder: join(home, "project"), name: "installed", part: PART, toolchain, context });
      return savedState(home, { context, toolchain, project });
    }));
  // Tests write into the project and its releases: each has copies.
  const folder = mkdtempSync(join(tmpdir(), "ashlar-installed-"));
  cpSync(join(home, "project"), join(folder, "project"), { recursive: true });
  cpSync(join(state, "served"), join(folder, "served"), { recursive: true });
  const project = await openProject({ folder: join(folder, "project"), name: "installed", part: PART, toolchain, context });
  const machine = await start({ context, toolchain, project }, state, { resume: state, ephemeral: true });
  const forget = (): void => rmSync(folder, { recursive: true });
  const live = await liveOn({ machine, project, served: join(folder, "served"), toolchain, context, forget });
  await live.started;
  // Its clock stood still while it was kept.
  ok(await live.sudo(`date -s @${Math.floor(Date.now() / 1000)}`));
  if (given !== undefined) await push(live);
  return live;
}

/** The folder of the state that belongs to today's images; made when there is none. */
async function savedState(home: string, lab: Lab): Promise<string> {
  const { project, context } = lab;
  project.write(SECOND);
  const second = await buildSystem({ config: project.config }, context);
  project.write();
  const first = await buildSystem({ config: project.config }, context);
  const state = join(home, `${first.image.digest.slice(0, 16)}-${second.image.digest.slice(0, 16)}`);
  if (existsSync(join(state, "complete"))) return state;
  const old = readdirSync(home).filter((name) => /^[0-9a-f]{16}-/.test(name));
  const age = (name: string): number => statSync(join(home, name)).mtimeMs;
  for (const name of old.sort((a, b) => age(b) - age(a)).slice(KEPT)) rmSync(join(home, name), { recursive: true });
  rmSync(state, { recursive: true, force: true });
  mkdirSync(join(state, "served"), { recursive: true });
  await makeDiskImage({ config: project.config, built: first, output: join(state, "disk.img"), size: DISK_BYTES }, context);
  await project.publish(join(state, "served/releases"));
  const machine = await start(lab, state, {});
  const live = await liveOn({ machine, ...lab, served: join(state, "served"), forget: () => {} });
  await live.started;
  await live.publish(SECOND);
  ok(await live.sudo(`ashlar upgrade --from ${live.address("releases")}`));
  const bootId = ok(await live.ask("cat /proc/sys/kernel/random/boot_id"));
  await live.sudo("systemctl reboot");
  await live.nextStart(bootId);
  // On its way to being good: when everything has started, nothing is in between.
  assert.equal(ok(await live.ask("systemctl is-system-running --wait")), "running");
  assert.match(ok(await live.ask("ashlar status && sync")), /runs generation 2 \(good\)/);
  await live.machine.save(state);
  await live.close();
  writeFileSync(join(state, "complete"), "");
  return state;
}

function start(
  { context, toolchain }: Lab,
  state: string,
  how: { readonly resume?: string; readonly ephemeral?: boolean },
): Promise<Machine> {
  return startMachine({ disk: join(state, "disk.img"), serial: "pipe", sshPort: 0, toolchain, workspace: context.workspace, ...how });
}

/** Test files run at the same time, here and in other checkouts. */
async function locked<T>(home: string, work: () => Promise<T>): Promise<T> {
  const lock = openSync(join(home, "lock"), "w");
  try {
    for (const end = Date.now() + 3 * BOOT_MS; !tryLock(lock, "exclusive"); await sleep(500))
      if (Date.now() > end) throw new Error(`another process has ${home}/lock`);
    return await work();
  } finally {
    closeSync(lock);
  }
}

function ok({ exitCode, out, err }: { exitCode: number; out: string; err: string }): string {
  assert.equal(exitCode, 0, err);
  return out;
}
