/** An ordinary user with subordinate ids can do what building needs; one without is told what is missing. */
import assert from "node:assert/strict";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { silentReporter } from "#report/reporter.ts";
import { exec } from "#sys/exec.ts";
import type { ExecResult } from "#sys/exec.ts";
import { openToolchain } from "#toolchain/open.ts";
import { openWorkspace } from "#workspace";

const USER = "ashlar-test";
const UID = 61_000;
const needs = ["/usr/sbin/useradd", "/usr/bin/newuidmap", "/usr/bin/setpriv"].find((path) => !existsSync(path));
const skip = needs === undefined ? false : `${needs} is not installed`;
const repository = join(import.meta.dirname, "../..");
let folder: string;

/** What a command does first: open the tools, become root of a namespace, then work as on any other machine. */
const PROBE = `
import { openToolchain } from "#toolchain/open.ts";
import { hostCommand, runInToolchain } from "#toolchain/sandbox.ts";
import { silentReporter } from "#report/reporter.ts";
import { enterUserNamespace } from "#sys/usernamespace.ts";
import { openWorkspace } from "#workspace";
const toolchain = await openToolchain("build", { workspace: openWorkspace(), report: silentReporter });
const exitCode = await enterUserNamespace(async () => hostCommand(toolchain, "usr/bin/unshare")).catch((error) => { console.log(error.code, error.message, "|", error.hint); return 1; });
if (exitCode !== undefined) process.exit(exitCode);
const binds = [{ from: process.env.ASHLAR_CACHE, to: "/target" }];
const { stdout } = await runInToolchain(toolchain, "sh", ["-c", "id -u; cd /target; touch owned; chown 33:42 owned; stat -c %u:%g owned; rm owned"], { binds });
process.stdout.write(stdout);
process.exit(7);
`;

before(async () => {
  if (skip !== false) return;
  await openToolchain("build", { workspace: openWorkspace(), report: silentReporter });
  // Not below /tmp's private folders: the user must be able to read all of it.
  folder = mkdtempSync(join(repository, ".user-namespace-"));
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, "probe.ts"), PROBE);
  const cache = join(folder, "cache");
  mkdirSync(cache);
  for (const name of ["toolchain", "archive/newest"])
    cpSync(join(openWorkspace().root, name), join(cache, name), { recursive: true, verbatimSymlinks: true });
  await exec("/usr/sbin/useradd", ["--uid", String(UID), "--no-create-home", "--no-user-group", "--gid", "nogroup", USER]);
  await exec("/usr/sbin/usermod", ["--add-subuids", "700000-765535", "--add-subgids", "700000-765535", USER]);
  await exec("/bin/chown", ["--recursive", "--no-dereference", USER, cache]);
});

after(async () => {
  if (skip !== false) return;
  await exec("/usr/sbin/userdel", [USER]);
  rmSync(folder, { recursive: true, force: true });
});

async function probe(): Promise<ExecResult> {
  const args = ["--reuid", String(UID), "--regid", "nogroup", "--clear-groups", process.execPath, join(folder, "probe.ts")];
  const env = { PATH: "/usr/bin:/bin", HOME: folder, ASHLAR_CACHE: join(folder, "cache") };
  return exec("/usr/bin/setpriv", args, { env, allowFailure: true });
}

void test("a user with subordinate ids is root in a namespace, and the exit code comes back", { skip }, async () => {
  const { stdout, stderr, exitCode } = await probe();
  assert.equal(stdout.toString(), "0\n33:42\n", stderr);
  assert.equal(exitCode, 7);
});

void test("a user without subordinate ids is told the command that gives them", { skip }, async () => {
  await exec("/usr/sbin/usermod", ["--del-subuids", "700000-765535", USER]);
  const { stdout } = await probe();
  assert.match(stdout.toString(), /^E_NEEDS_ROOT .*\/etc\/subuid gives ashlar-test no subordinate ids \| sudo usermod --add-subuids/);
});
