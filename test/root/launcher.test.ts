/** The launcher in a fresh copy of the repository. In the root tier because npm installs 370 MB, and to become another user. */
import assert from "node:assert/strict";
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { exec } from "#sys/exec.ts";
import type { ExecResult } from "#sys/exec.ts";
import { version } from "../../src/cli/version.ts";

const root = join(import.meta.dirname, "../..");
const NOBODY = "65534";

test("a fresh checkout installs itself once and then runs for everybody", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "ashlar launcher "));
  t.after(() => rmSync(folder, { recursive: true }));
  chmodSync(folder, 0o755);
  const checkout = join(folder, "my checkout");
  for (const name of ["ashlar", "package.json", "package-lock.json", ".npmrc", "src"])
    cpSync(join(root, name), join(checkout, name), { recursive: true });
  const link = join(folder, "link");
  symlinkSync(join("my checkout", "ashlar"), link);
  const start = (...command: string[]): Promise<ExecResult> =>
    exec(command[0] ?? "", command.slice(1), { cwd: "/", env: environment(folder) });

  await t.test("two starts at once install one time, through a link and in a path with spaces", async () => {
    const both = await Promise.all([start(link, "--version"), start(join(checkout, "ashlar"), "--version")]);
    for (const { stdout } of both) assert.equal(stdout.toString(), `${version}\n`);
    assert.equal(both.filter(({ stderr }) => stderr.includes("Installing")).length, 1);
  });
  await t.test("every platform package of the lock file is there, whatever Node ran npm", () => {
    assert.ok(existsSync(join(checkout, "node_modules/@napi-rs/lzma-linux-x64-gnu")));
  });
  await t.test("the next start installs nothing, and arguments arrive as they are", async () => {
    const { stdout, stderr } = await exec(link, ["a  b"], { cwd: "/", env: environment(folder), allowFailure: true });
    assert.equal(stdout.toString(), "");
    assert.match(stderr, /^error: there is no command "a {2}b"/);
  });
  await t.test("another user may run it", async () => {
    const { stdout } = await start("setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", link, "--version");
    assert.equal(stdout.toString(), `${version}\n`);
  });
  await t.test("a changed lock file is noticed, and another user is told whose turn it is", async () => {
    const lock = join(checkout, "package-lock.json");
    await exec("sed", ["-i", "$a\\ ", lock]);
    const command = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", link, "--version"];
    const result = await exec("setpriv", command, { cwd: "/", env: environment(folder), allowFailure: true });
    assert.equal(result.exitCode, 1);
    assert.match(result.stderr, /are not installed, and you may not write there\n {2}hint: {2}run \.\/ashlar once as the owner/);
    assert.notEqual(readFileSync(lock, "utf8"), readFileSync(join(root, "package-lock.json"), "utf8"));
  });
});

/** The host's own Node first, as on a machine that has never seen Ashlar. */
function environment(home: string): Record<string, string> {
  const path = (process.env["PATH"] ?? "/usr/bin:/bin").split(":").filter((part) => !part.includes("node_modules"));
  return { PATH: path.join(":"), HOME: home };
}
