/** The script that keeps declared files of /etc, run by Debian 13's own shell and coreutils. In the root tier for the tools tree. */
import assert from "node:assert/strict";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { silentReporter } from "#report/reporter.ts";
import { openToolchain } from "#toolchain/open.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { runInToolchain } from "#toolchain/sandbox.ts";
import { openWorkspace } from "#workspace";

const script = join(import.meta.dirname, "../../src/boot/assets/state-save.sh");
let folder: string;
let toolchain: Toolchain;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "ashlar-state-"));
  for (const name of ["etc", "etc/ssh", "etc/connections", "state", "state/etc", "own"]) mkdirSync(join(folder, name));
  cpSync(script, join(folder, "own/state-save.sh"));
  writeFileSync(join(folder, "own/state-etc"), "machine-id\nssh/key\nconnections\nnever there\n");
  toolchain = await openToolchain("build", { workspace: openWorkspace(), report: silentReporter });
});

after(() => rmSync(folder, { recursive: true }));

const live = (path: string): string => join(folder, "etc", path);
const kept = (path: string): string => join(folder, "state/etc", path);

async function save(): Promise<void> {
  await runInToolchain(toolchain, "/bin/sh", ["/own/state-save.sh", "/own/state-etc"], {
    binds: [
      { from: join(folder, "etc"), to: "/etc" },
      { from: join(folder, "state"), to: "/state" },
      { from: join(folder, "own"), to: "/own", readonly: true },
    ],
  });
}

test("declared files and folders are copied with their modes, others are not", async () => {
  writeFileSync(live("machine-id"), "a92219c3a56f4a6a9a64a3c40bb2ba78\n");
  writeFileSync(live("ssh/key"), "secret", { mode: 0o600 });
  writeFileSync(live("ssh/other"), "not declared");
  writeFileSync(live("connections/home"), "wifi");
  await save();
  assert.equal(readFileSync(kept("machine-id"), "utf8"), "a92219c3a56f4a6a9a64a3c40bb2ba78\n");
  assert.equal(statSync(kept("ssh/key")).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(kept("ssh")), ["key"]);
  assert.deepEqual(readdirSync(kept("connections")), ["home"]);
});

test("a changed file, a changed mode and a file renamed over another one are noticed", async () => {
  writeFileSync(live("connections/home"), "WIFI");
  chmodSync(live("machine-id"), 0o444);
  writeFileSync(live("ssh/new"), "better");
  renameSync(live("ssh/new"), live("ssh/key"));
  await save();
  assert.equal(readFileSync(kept("connections/home"), "utf8"), "WIFI");
  assert.equal(statSync(kept("machine-id")).mode & 0o777, 0o444);
  assert.equal(readFileSync(kept("ssh/key"), "utf8"), "better");
});

test("what is removed from /etc does not come back", async () => {
  rmSync(live("ssh/key"));
  rmSync(live("connections/home"));
  writeFileSync(live("connections/work"), "cable");
  await save();
  assert.equal(existsSync(kept("ssh/key")), false);
  assert.deepEqual(readdirSync(kept("connections")), ["work"]);
});

test("without a change nothing is written", async () => {
  const inodes = (): number[] => ["machine-id", "connections", "connections/work"].map((path) => statSync(kept(path)).ino);
  const old = inodes();
  await save();
  assert.deepEqual(inodes(), old);
  assert.deepEqual(
    readdirSync(join(folder, "state/etc")).filter((name) => name.startsWith(".")),
    [],
  );
});
