/**
 * `ashlar demo`: the whole life of a machine in a few minutes: build, boot, change, upgrade, go back. Everything is real:
 * Debian's packages, UEFI firmware, the boot loader, a signed release over HTTP.
 */
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AshlarError } from "#errors";
import { serveFolder } from "#registry/serve.ts";
import { initRing } from "#registry/trust/new-ring.ts";
import type { Step } from "#report/reporter.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import { openToolchain } from "#toolchain/open.ts";
import { createSshKey, ssh, waitForSsh } from "#vm/ssh.ts";
import type { SshTarget } from "#vm/ssh.ts";
import type { Context } from "./context.ts";
import { lockSystem } from "./lock.ts";
import { publishSystem } from "./publish.ts";
import { openMachine } from "./vm.ts";

export interface DemoOptions {
  /** Where the demo keeps its config, keys and releases. */
  readonly folder: string;
  readonly memory?: number;
}

export interface DemoSummary {
  readonly folder: string;
  readonly digests: { readonly first: string; readonly second: string; readonly afterRollback: string };
  /** What `ashlar status` printed, in order: first boot, after the upgrade, after the rollback. */
  readonly statuses: readonly string[];
  /** Bytes that the upgrade fetched. */
  readonly fetched: number;
  /** Seconds, by part. */
  readonly seconds: Readonly<Record<string, number>>;
}

export type DemoErrorCode = "E_DEMO_FAILED";

const EXAMPLES = join(import.meta.dirname, "../../examples");
/** QEMU's user network shows the host's loopback to the guest at this address. */
const HOST_SEEN_BY_GUEST = "10.0.2.2";
const USER = "demo";
const BOOT_TIMEOUT = 600_000;

/** @throws E_DEMO_FAILED when the machine does not do what it should, and every error of the parts */
export async function demo(options: DemoOptions, context: Context): Promise<DemoSummary> {
  const { folder } = options;
  const { workspace } = context;
  const seconds: Record<string, number> = {};
  const timed = async <T>(name: string, work: (step: Step) => Promise<T>): Promise<T> => {
    const started = performance.now();
    const result = await context.report.step(name, work);
    seconds[name] = Math.round((performance.now() - started) / 100) / 10;
    return result;
  };
  const config = copyExample(folder);
  const releases = join(folder, "releases");
  const toolchain = await openToolchain("vm", context);
  const key = await createSshKey(join(folder, "ssh"), toolchain);
  // Whoever may read this folder may sign for this one machine, which is gone in a few minutes.
  const signing = initRing({ folder: join(folder, "keys"), passphrase: undefined, now: Math.floor(Date.now() / 1000) });
  writeFileAtomic(config, firstConfig(key.publicKey));

  const first = await timed("build generation 1", (report) => publishSystem({ config, folder: releases, signing }, { workspace, report }));
  const server = await serveFolder(releases);
  try {
    const { machine } = await timed("start the machine", (report) =>
      openMachine(
        { config, serial: "pipe", sshPort: 0, reset: true, ...(options.memory === undefined ? {} : { memory: options.memory }) },
        { workspace, report },
      ),
    );
    await using running = machine;
    const target: SshTarget = { port: running.sshPort ?? 0, user: USER, key, toolchain, lastWords: running.lastWords };
    await timed("boot it", () => waitForSsh(target, BOOT_TIMEOUT));
    const before = await status(target, first.image.digest);

    writeFileAtomic(config, secondConfig(key.publicKey));
    const second = await timed("build generation 2, with one more package and one changed file", async (report) => {
      await lockSystem({ config }, { workspace, report });
      return publishSystem({ config, folder: releases, signing }, { workspace, report });
    });
    const sentBefore = server.sent();
    await timed("upgrade the running machine to it", (step) =>
      run(target, `sudo ashlar upgrade --from http://${HOST_SEEN_BY_GUEST}:${server.port}`, step),
    );
    const fetched = server.sent() - sentBefore;
    await timed("reboot into generation 2", () => reboot(target));
    const upgraded = await status(target, second.image.digest);
    await run(target, "hello && test \"$(cat /etc/motd)\" = 'This machine was upgraded.'");

    await timed("roll back", (step) => run(target, "sudo ashlar rollback", step));
    await timed("reboot into generation 1", () => reboot(target));
    const rolledBack = await status(target, first.image.digest);
    await run(target, "! command -v hello && test ! -s /etc/motd");
    // The connection ends with the machine, which ssh counts as a failure.
    await ssh(target, "sudo systemctl poweroff", { timeout: 60_000 });
    await timed("power off", () => running.exited);
    return {
      folder,
      digests: { first: before.digest, second: upgraded.digest, afterRollback: rolledBack.digest },
      statuses: [before.text, upgraded.text, rolledBack.text],
      fetched,
      seconds,
    };
  } finally {
    await server.close();
  }
}

/** A project of its own with the web example in it, as a user would start one. @returns the path of the config to write */
function copyExample(folder: string): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Where a tsconfig.json is, a project begins: configs may read everything below it.
  writeFileAtomic(join(folder, "tsconfig.json"), "{}\n");
  cpSync(join(EXAMPLES, "common.ts"), join(folder, "common.ts"));
  cpSync(join(EXAMPLES, "web"), join(folder, "web"), { recursive: true, filter: (path) => !path.endsWith(".lock.json") });
  return join(folder, "web", "machine.ts");
}

function firstConfig(sshKey: string): string {
  return `import { merge } from "ashlar";
import web from "./system.ts";

export default merge(web, {
  users: { ${USER}: { sshKeys: [${JSON.stringify(sshKey)}], sudo: "nopassword" } },
  files: { "/etc/motd": "" },
  updates: { root: "../keys/1.root.json" },
});
`;
}

/** One more package and one changed setting. */
function secondConfig(sshKey: string): string {
  return firstConfig(sshKey)
    .replace(`"/etc/motd": ""`, `"/etc/motd": "This machine was upgraded.\\n"`)
    .replace("export default merge(web, {", `export default merge(web, {\n  packages: ["hello"],`);
}

async function status(target: SshTarget, expected: string): Promise<{ text: string; digest: string }> {
  const text = (await run(target, "ashlar status")).trimEnd();
  const json = JSON.parse(await run(target, "ashlar status --json")) as { booted?: { digest?: string } };
  const digest = json.booted?.digest ?? "";
  if (digest !== expected)
    throw new AshlarError<DemoErrorCode>(
      "E_DEMO_FAILED",
      `the machine runs ${digest.slice(0, 16)}, not ${expected.slice(0, 16)}:\n${text}`,
    );
  return { text, digest };
}

async function run(target: SshTarget, command: string, step?: Step): Promise<string> {
  const result = await ssh(target, command, { timeout: BOOT_TIMEOUT });
  if (result.exitCode !== 0)
    throw new AshlarError<DemoErrorCode>(
      "E_DEMO_FAILED",
      `\`${command}\` failed on the machine with exit code ${result.exitCode}:\n${result.stdout.toString()}${result.stderr}`,
    );
  const text = result.stdout.toString();
  if (text.trim() !== "") step?.detail((text.trim().split("\n").at(-1) ?? "").replace(/\.$/, ""));
  return text;
}

/** Returns when the machine answers again with another boot id. */
async function reboot(target: SshTarget): Promise<void> {
  const bootId = "cat /proc/sys/kernel/random/boot_id";
  const before = await run(target, bootId);
  await ssh(target, "sudo systemctl reboot", { timeout: 60_000 });
  for (const end = Date.now() + BOOT_TIMEOUT; Date.now() < end;) {
    await waitForSsh(target, BOOT_TIMEOUT);
    const now = await ssh(target, bootId, { timeout: 60_000 });
    if (now.exitCode === 0 && now.stdout.toString() !== before) return;
  }
  throw new AshlarError<DemoErrorCode>("E_DEMO_FAILED", "the machine did not reboot");
}
