/** A project as a user has one, its machine in QEMU, and a person who is logged in by ssh. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openMachine, publishSystem } from "#pipeline";
import type { Context } from "#pipeline";
import { serveFolder } from "#registry/serve.ts";
import type { FolderServer } from "#registry/serve.ts";
import { createKey } from "#registry/sign.ts";
import { silentReporter } from "#report/reporter.ts";
import { openToolchain } from "#toolchain/open.ts";
import type { Console } from "#vm/console.ts";
import type { Machine } from "#vm/machine.ts";
import { createSshKey, ssh, waitForSsh } from "#vm/ssh.ts";
import type { SshTarget } from "#vm/ssh.ts";
import { openWorkspace } from "#workspace";

type Published = Awaited<ReturnType<typeof publishSystem>>;

export interface Ran {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

export interface Live {
  /** Holds the releases, and whatever else a test wants the machine to see by HTTP. */
  readonly served: string;
  readonly machine: Machine & { readonly console: Console };
  readonly context: Context;
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
const USER = "demo";
/** QEMU's user network shows the host's loopback to the guest at this address. */
const HOST_SEEN_BY_GUEST = "10.0.2.2";
const EXAMPLES = join(import.meta.dirname, "../../examples");

/** Builds the web example under another name, with one part merged in, and starts it on a disk that is forgotten. */
export async function openLive(name: string, part: string): Promise<Live> {
  const folder = mkdtempSync(join(tmpdir(), `ashlar-${name}-`));
  const context = { workspace: openWorkspace(), report: silentReporter };
  const toolchain = await openToolchain("vm", context);
  const key = await createSshKey(join(folder, "ssh"), toolchain);
  const keyPath = join(folder, "release-key.pem");
  const { publicKey } = createKey(keyPath);
  const served = join(folder, "served");
  mkdirSync(served);
  const config = copyExample(folder);
  const write = (...parts: readonly string[]): void =>
    writeFileSync(
      config,
      `import { merge, override } from "ashlar";
import web from "./system.ts";

export default merge(web, {
  name: override(${JSON.stringify(name)}),
  users: { ${USER}: { sshKeys: [${JSON.stringify(key.publicKey)}], sudo: "nopassword" } },
  updates: { keys: [${JSON.stringify(publicKey)}] },
}, ${parts.join(", ")});
`,
    );
  write(part);
  const { machine, disk } = await openMachine({ config, serial: "pipe", sshPort: 0, ephemeral: true }, context);
  const before = performance.now();
  const { console } = machine;
  assert.ok(console !== undefined);
  const server: FolderServer = await serveFolder(served);
  const target: SshTarget = { port: machine.sshPort ?? 0, user: USER, key, toolchain };
  const ask = async (script: string): Promise<Ran> => {
    const { exitCode, stdout, stderr } = await ssh(target, script, { timeout: COMMAND_MS });
    return { exitCode, out: stdout.toString().trimEnd(), err: stderr.trimEnd() };
  };
  const started = waitForSsh(target, BOOT_MS).then(() => Math.round((performance.now() - before) / 1000));
  // Whoever awaits it gets the error; until then it is not unhandled.
  started.catch(() => {});
  return {
    served,
    machine: { ...machine, console },
    context,
    started,
    publish: (other) => {
      write(part, other);
      return publishSystem({ config, folder: join(served, "releases"), key: keyPath }, context);
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
      // Nobody has the key of this image any more.
      rmSync(disk, { force: true });
      rmSync(folder, { recursive: true });
    },
  };
}

function copyExample(folder: string): string {
  // Where a tsconfig.json is, a project begins: configs may read everything below it.
  writeFileSync(join(folder, "tsconfig.json"), "{}\n");
  cpSync(join(EXAMPLES, "common.ts"), join(folder, "common.ts"));
  cpSync(join(EXAMPLES, "web"), join(folder, "web"), { recursive: true, filter: (path) => !path.endsWith(".lock.json") });
  return join(folder, "web", "machine.ts");
}
