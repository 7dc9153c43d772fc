/** A machine in QEMU with a person who is logged in by ssh, and the project that it is made of. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openMachine } from "#pipeline";
import type { Context } from "#pipeline";
import { serveFolder } from "#registry/serve.ts";
import { silentReporter } from "#report/reporter.ts";
import { openToolchain } from "#toolchain/open.ts";
import type { Toolchain } from "#toolchain/open.ts";
import type { Console } from "#vm/console.ts";
import type { Machine } from "#vm/machine.ts";
import { ssh, waitForSsh } from "#vm/ssh.ts";
import type { SshTarget } from "#vm/ssh.ts";
import { openWorkspace } from "#workspace";
import { USER, openProject } from "./live-project.ts";
import type { LiveProject, Published } from "./live-project.ts";

export interface Ran {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

export interface Live {
  readonly project: LiveProject;
  /** Holds the releases, and whatever else a test wants the machine to see by HTTP. */
  readonly served: string;
  readonly machine: Machine & { readonly console: Console };
  readonly context: Context;
  /** Where its ssh server answers; user {@link USER}. */
  readonly target: SshTarget;
  /** Seconds from starting QEMU until the machine answers. */
  readonly started: Promise<number>;
  /** Publishes the config with another part merged in, as the next release. */
  publish(part: string): Promise<Published>;
  /** An address below {@link served}, as the machine sees it. */
  address(name: string): string;
  /** Runs a script as the ordinary user, whatever its exit code. */
  ask(script: string): Promise<Ran>;
  /** Runs a script as root. */
  sudo(script: string): Promise<Ran>;
  /** Waits for another start than the one with this boot id. @returns the new boot id */
  nextStart(bootId: string): Promise<string>;
  close(): Promise<void>;
}

/** A boot under emulation on a loaded computer. */
export const BOOT_MS = 600_000;
const COMMAND_MS = 300_000;
/** QEMU's user network shows the host's loopback to the guest at this address. */
const HOST_SEEN_BY_GUEST = "10.0.2.2";

/** Builds the web example under another name, with one part merged in, and starts it on a disk that is forgotten. */
export async function openLive(name: string, part: string): Promise<Live> {
  const folder = mkdtempSync(join(tmpdir(), `ashlar-${name}-`));
  const context = { workspace: openWorkspace(), report: silentReporter };
  const toolchain = await openToolchain("vm", context);
  const project = await openProject({ folder, name, part, toolchain, context });
  const { machine, disk } = await openMachine({ config: project.config, serial: "pipe", sshPort: 0, ephemeral: true }, context);
  const served = join(folder, "served");
  mkdirSync(served);
  const forget = (): void => {
    // Nobody has the key of this image any more.
    rmSync(disk, { force: true });
    rmSync(folder, { recursive: true });
  };
  return liveOn({ machine, project, served, toolchain, context, forget });
}

interface LiveParts {
  readonly machine: Machine;
  readonly project: LiveProject;
  readonly served: string;
  readonly toolchain: Toolchain;
  readonly context: Context;
  /** Called when the machine has ended. */
  readonly forget: () => void;
}

/** A person at a machine that was just started. */
export async function liveOn({ machine, project, served, toolchain, context, forget }: LiveParts): Promise<Live> {
  const before = performance.now();
  const { console } = machine;
  assert.ok(console !== undefined);
  const server = await serveFolder(served);
  const target: SshTarget = { port: machine.sshPort ?? 0, user: USER, key: project.key, toolchain, lastWords: machine.lastWords };
  const ask = async (script: string): Promise<Ran> => {
    const { exitCode, stdout, stderr } = await ssh(target, script, { timeout: COMMAND_MS });
    return { exitCode, out: stdout.toString().trimEnd(), err: stderr.trimEnd() };
  };
  const started = waitForSsh(target, BOOT_MS).then(() => Math.round((performance.now() - before) / 1000));
  // Whoever awaits it gets the error; until then it is not unhandled.
  started.catch(() => {});
  return {
    project,
    served,
    machine: { ...machine, console },
    context,
    target,
    started,
    publish: (other) => {
      project.write(other);
      return project.publish(join(served, "releases"));
    },
    address: (path) => `http://${HOST_SEEN_BY_GUEST}:${server.port}/${path}`,
    ask,
    sudo: (script) => ask(`sudo sh -c '${script.replaceAll("'", "'\\''")}'`),
    nextStart: async (bootId) => {
      for (const end = Date.now() + BOOT_MS; Date.now() < end; await sleep(1000)) {
        await waitForSsh(target, BOOT_MS);
        const { exitCode, out } = await ask("cat /proc/sys/kernel/random/boot_id");
        if (exitCode === 0 && out !== bootId) return out;
      }
      throw new Error(`the machine did not restart; its console:\n${console.transcript().slice(-4000)}`);
    },
    close: async () => {
      await machine.stop();
      await server.close();
      forget();
    },
  };
}
