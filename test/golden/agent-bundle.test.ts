/** The machine's program as it ships: nothing of the checkout beside it, its own Node, its own addon. */
import assert from "node:assert/strict";
import { chmodSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { agentContributions } from "../../src/agent/bundle.ts";
import type { System } from "../../src/config/system.ts";
import { exec } from "../../src/sys/exec.ts";
import type { Contribution } from "../../src/tree/contribution.ts";
import { openWorkspace } from "../../src/workspace.ts";
import { openLab, openPublisher } from "../support/machine-lab.ts";
import type { Lab, Publisher } from "../support/machine-lab.ts";
import { scratch } from "../support/release-fixture.ts";

const home = scratch();
const installed = join(home.path, "installed");
const system = {
  schema: 1,
  name: "web",
  users: { admin: { passwordHash: "$y$secret", sshKeys: [], comment: "", home: "/home/admin", shell: "/bin/sh", groups: [], sudo: "no" } },
  files: {
    "/etc/token": { text: "a secret", mode: "0600", owner: "root", group: "root" },
    "/etc/motd": { text: "hello", mode: "0644", owner: "root", group: "root" },
  },
  health: { units: [], commands: [] },
  updates: { keys: [] },
} as unknown as System;
let contributions: Contribution[];
let publisher: Publisher;
let lab: Lab;

before(async () => {
  contributions = await agentContributions(system, openWorkspace(join(home.path, "workspace")));
  for (const item of contributions) {
    if (item.kind !== "file" && item.kind !== "file-from") continue;
    const path = join(installed, item.path);
    mkdirSync(dirname(path), { recursive: true });
    if (item.kind === "file") writeFileSync(path, item.content);
    else cpSync(item.from, path);
    chmodSync(path, item.mode);
  }
  publisher = await openPublisher(home.path);
  lab = await openLab(join(home.path, "lab"), publisher);
});
after(async () => {
  await publisher.store.close();
  home[Symbol.dispose]();
});

/** Runs the installed launcher; only the place of its files is another one than on a machine. */
async function launcher(...args: string[]) {
  const script = readFileSync(join(installed, "usr/bin/ashlar"), "utf8").replaceAll("/usr/lib/ashlar", join(installed, "usr/lib/ashlar"));
  return exec("/bin/sh", ["-c", script, "ashlar", ...args], {
    cwd: "/",
    env: { PATH: "/usr/bin:/bin", NODE_OPTIONS: "--require=/nonexistent" },
    allowFailure: true,
  });
}

test("the program is the same bytes each time, and needs less than 125 MB", async () => {
  assert.deepEqual(await agentContributions(system, openWorkspace(join(home.path, "workspace"))), contributions);
  const bytes = contributions.map((item) =>
    item.kind === "file" ? Buffer.byteLength(item.content) : item.kind === "file-from" ? statSync(item.from).size : 0,
  );
  assert.ok(bytes.reduce((sum, size) => sum + size, 0) < 125_000_000, `${bytes.reduce((sum, size) => sum + size, 0)} bytes`);
});

test("secrets of the System do not reach the file that every user may read", () => {
  const text = readFileSync(join(installed, "usr/lib/ashlar/system.json"), "utf8");
  assert.doesNotMatch(text, /secret/);
  assert.match(text, /"text":"hello"/);
});

test("every part that is loaded only when it is used loads", async () => {
  const folder = join(installed, "usr/lib/ashlar");
  // The program itself and its worker thread begin to work when they are loaded.
  const parts = readdirSync(folder).filter((name) => name.endsWith(".js") && !["agent.js", "store-worker.js"].includes(name));
  assert.ok(parts.length > 10);
  // What is written in CommonJS would give a default only, and whoever takes a name of it gets nothing.
  const script = `for (const name of ${JSON.stringify(parts)})
    if (Object.keys(await import("./" + name)).join() === "default") throw new Error(name + " gives no names");`;
  writeFileSync(join(folder, "all.mjs"), script);
  const { exitCode, stderr } = await exec(join(folder, "node"), [join(folder, "all.mjs")], { allowFailure: true });
  rmSync(join(folder, "all.mjs"));
  assert.equal(exitCode, 0, stderr);
});

test("it upgrades, shows status, and checks the store with its own worker thread", async () => {
  await publisher.release(lab.releases, 2);
  const root = ["--root", lab.machine.root];
  const upgraded = await launcher("upgrade", "--json", ...root);
  assert.equal(upgraded.exitCode, 0, upgraded.stderr);
  assert.equal((JSON.parse(upgraded.stdout.toString()) as { outcome: string }).outcome, "staged");
  assert.equal(lab.machine.boot(), 2);
  const status = await launcher("status", ...root);
  assert.match(status.stdout.toString(), /^web: runs generation 2 \(good\); starts it again\n/);
  const checked = await launcher("fsck", ...root);
  assert.equal(checked.exitCode, 0, checked.stderr);
  assert.match(checked.stdout.toString(), /The store is sound\.$/m);
});

test("a second process is told who has the machine, with an exit code of its own", async () => {
  const holder = exec("flock", ["--exclusive", join(lab.machine.root, "run/ashlar.lock"), "sleep", "2"]);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const { exitCode, stderr } = await launcher("rollback", "--root", lab.machine.root);
  assert.equal(exitCode, 75);
  assert.match(stderr, /another process changes this machine's generations: process \d+, ashlar \w+/);
  await holder;
});
