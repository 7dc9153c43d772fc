/** The overlay of `ashlar edit` over this computer's own /usr, in a mount namespace that nobody else sees. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { exec } from "#sys/exec.ts";

/** An upper layer must lie on another file system than an overlay: /run and /dev/shm are in memory. */
const MEMORY = "/dev/shm";

const CODE = `
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { mountEdit, unmountEdit } from "#agent/commands/edit-mount.ts";
import { inspectFiles } from "#drift/inspect/files.ts";
import { readUpper } from "#drift/gather/upper.ts";
import { openSession } from "#drift/session.ts";
import { viewImage } from "#drift/image.ts";
import { exec } from "#sys/exec.ts";

const folder = process.argv[1];
mkdirSync(folder + "/other");
writeFileSync(folder + "/other/inside", "");
await exec("mount", ["--bind", folder + "/other", "/usr/local"]);
await mountEdit(folder + "/edit", { since: 1, by: "test", command: [], image: "aa" });
symlinkSync("libc.so.6", "/usr/lib/libfix.so");
const sleeper = spawn("/usr/bin/sleep", ["60"], { stdio: "ignore" });
await new Promise((resolve) => setTimeout(resolve, 200));
const changes = inspectFiles(readUpper(folder + "/edit/upper", "/usr"), { kind: "usr", image: viewImage([], () => Buffer.alloc(0)), kept: [] });
const during = { link: readlinkSync("/usr/lib/libfix.so"), inside: existsSync("/usr/local/inside"), changes: changes.map(({ name }) => name) };
const holders = await unmountEdit(folder + "/edit");
sleeper.kill();
const after = { link: existsSync("/usr/lib/libfix.so"), inside: existsSync("/usr/local/inside"), folder: readdirSync(folder), mounts: readFileSync("/proc/self/mountinfo", "utf8").includes("ashlar-edit") };
console.log(JSON.stringify({ during, after, holder: holders.some(({ pid, name }) => pid === sleeper.pid && name === "sleep"), again: await unmountEdit(folder + "/edit"), session: openSession("/") ?? null }));
`;

test("everybody sees a change of /usr, mounts inside stay, and its end takes all of it away and names who still uses it", async (context) => {
  if (process.getuid?.() !== 0) return context.skip("needs root");
  const folder = mkdtempSync(join(MEMORY, "ashlar-usr-"));
  try {
    const args = ["--mount", "--propagation", "private", process.execPath, "--input-type=module", "--eval", CODE, folder];
    const { stdout } = await exec("unshare", args, { cwd: join(import.meta.dirname, "../..") });
    assert.deepEqual(JSON.parse(stdout.toString().split("\n")[0] ?? ""), {
      during: { link: "libc.so.6", inside: true, changes: ["/usr/lib/libfix.so"] },
      after: { link: false, inside: true, folder: ["other"], mounts: false },
      holder: true,
      again: [],
      session: null,
    });
    assert.equal(existsSync("/usr/lib/libfix.so"), false, "nobody else saw it");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
