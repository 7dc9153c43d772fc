/**
 * The initrd's scripts for data, run by a shell and cut before each command that changes anything: whatever the moment, the next
 * start ends as if nothing had happened. In the root tier, because owners are part of what must come back.
 */
import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { exec } from "#sys/exec.ts";

const assets = join(import.meta.dirname, "../../src/boot/assets");
const CHANGING = ["mv", "mkdir", "chown", "chmod", "rm", "sync"];
const WHOLE = 1_000_000;
let home: string;
let shims: string;

before(() => {
  home = mkdtempSync(join(tmpdir(), "ashlar-data-"));
  shims = join(home, "shims");
  mkdirSync(shims);
  for (const name of CHANGING)
    writeFileSync(
      join(shims, name),
      `#!/bin/sh\nread -r left <"$CUT"\n[ "$left" != 0 ] || { kill -9 $PPID; exit 1; }\necho $((left - 1)) >"$CUT"\nexec /usr/bin/${name} "$@"\n`,
      { mode: 0o755 },
    );
});
after(() => rmSync(home, { recursive: true }));

interface Start {
  readonly script: "var.sh" | "reset.sh";
  readonly mode?: "ephemeral" | "persistent";
  readonly generation?: number;
}

/** Runs a script of the initrd on a disk in a folder. @returns commands that it ran; undefined when it was cut */
async function start(disk: string, { script, mode = "ephemeral", generation = 1 }: Start, cut = WHOLE): Promise<number | undefined> {
  const image = join(disk, "image");
  put(image, "usr/lib/ashlar/var-mode", `${mode}\n`);
  put(image, "usr/lib/ashlar/var-keep", "/var/lib/db\n/var/lib/deep/in/side\n/var/log/file\n/srv/elsewhere\n");
  const counter = join(disk, "cut");
  writeFileSync(counter, `${cut}\n`);
  const text = readFileSync(join(assets, script), "utf8").replaceAll("/sysroot", disk);
  const { exitCode, signal, stderr } = await exec("/bin/sh", ["-euc", `new=${image}; generation=${generation}\n${text}`], {
    env: { PATH: `${shims}:/usr/bin:/bin`, CUT: counter },
    allowFailure: true,
  });
  if (signal === "SIGKILL") return undefined;
  assert.equal(exitCode, 0, stderr);
  return cut - Number(readFileSync(counter, "utf8"));
}

let disks = 0;
function newDisk(): string {
  const disk = join(home, `disk-${++disks}`);
  for (const [path, text] of Object.entries(FILES)) put(join(disk, "state"), path, text);
  chownSync(join(disk, "state/var/lib/deep"), 12, 34);
  chmodSync(join(disk, "state/var/lib/deep"), 0o2750);
  put(disk, "state/ashlar/kept", "/var/lib/db/inner\n/var/spool/.mine\n/var/lib/never\n");
  return disk;
}

const KEPT = {
  "var/lib/db/table": "rows",
  "var/lib/db/inner/.hidden": "rows",
  "var/lib/deep/in/side/file": "deep",
  "var/log/file": "lines",
  "var/spool/.mine": "mine",
};
const LOST = { "var/lib/deep/beside": "x", "var/lib/other/file": "y", "var/.top": "z", "var/log/other": "w" };
const FILES = { ...KEPT, ...LOST, "home/ada/file": "home" };

function put(folder: string, path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** Files below a folder to their texts. */
function filesIn(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, "utf8")]),
  );
}

const below = (files: Readonly<Record<string, string>>, prefix: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(files)
      .filter(([path]) => path.startsWith(prefix))
      .map(([path, text]) => [path.slice(prefix.length), text] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

void test("/var has what is kept, with owners and modes, and the rest can be found in one wiped tree", async () => {
  const disk = newDisk();
  await start(disk, { script: "var.sh" });
  assert.deepEqual(filesIn(join(disk, "state/var")), below(KEPT, "var/"));
  assert.deepEqual(filesIn(join(disk, "state/wiped/000001/var")), below(LOST, "var/"));
  const { uid, gid, mode } = statSync(join(disk, "state/var/lib/deep"));
  assert.deepEqual([uid, gid, mode & 0o7777], [12, 34, 0o2750]);
  put(disk, "state/var/lib/new", "n");
  await start(disk, { script: "var.sh" });
  assert.deepEqual(filesIn(join(disk, "state/wiped/000002/var")), { "lib/new": "n" });
});

void test("an empty /var, and one that persists, are left alone", async () => {
  const fresh = join(home, "fresh");
  mkdirSync(join(fresh, "state/var"), { recursive: true });
  await start(fresh, { script: "var.sh" });
  assert.deepEqual(readdirSync(join(fresh, "state")), ["var"]);
  const disk = newDisk();
  await start(disk, { script: "var.sh", mode: "persistent" });
  assert.deepEqual(filesIn(join(disk, "state/var")), below(FILES, "var/"));
});

void test("cut before any of its commands, the next start of an ephemeral /var ends the same", async (context) => {
  const commands = (await start(newDisk(), { script: "var.sh" })) ?? 0;
  assert.ok(commands > 10, `${commands} commands`);
  for (let cut = 0; cut < commands; cut++) {
    const disk = newDisk();
    assert.equal(await start(disk, { script: "var.sh" }, cut), undefined);
    await start(disk, { script: "var.sh" });
    // Cut after /var had its new name, that start was complete: one more begins anew once more.
    assert.deepEqual(filesIn(join(disk, "state/var")), below(KEPT, "var/"), `cut before command ${cut}`);
    const wiped = Object.assign(
      {},
      ...readdirSync(join(disk, "state/wiped")).map((tree) => filesIn(join(disk, "state/wiped", tree, "var"))),
    );
    assert.deepEqual(wiped, below(LOST, "var/"), `cut before command ${cut}`);
    rmSync(disk, { recursive: true });
  }
  context.diagnostic(`${commands} cuts`);
});

void test("cut anywhere, a start of a generation whose /var persists has all that was kept, and nothing is lost", async () => {
  const commands = (await start(newDisk(), { script: "var.sh" })) ?? 0;
  for (let cut = 0; cut < commands; cut++) {
    const disk = newDisk();
    await start(disk, { script: "var.sh" }, cut);
    await start(disk, { script: "var.sh", mode: "persistent" });
    const present = filesIn(join(disk, "state/var"));
    for (const [path, text] of Object.entries(below(KEPT, "var/"))) assert.equal(present[path], text, `${path}, cut before command ${cut}`);
    const all = Object.values(filesIn(join(disk, "state"))).sort();
    for (const text of Object.values(FILES)) assert.ok(all.includes(text), `${text} is lost, cut before command ${cut}`);
    rmSync(disk, { recursive: true });
  }
});

void test("a reset erases all data or none, cut before any of its commands", async (context) => {
  const marked = (what: string): string => {
    const disk = newDisk();
    put(disk, "ashlar/reset", `1 ${what}\n`);
    put(disk, "state/etc-overlay/upper/motd", "by hand");
    return disk;
  };
  const commands = (await start(marked("erase"), { script: "reset.sh" })) ?? 0;
  assert.ok(commands > 4, `${commands} commands`);
  for (let cut = 0; cut <= commands; cut++) {
    const disk = marked("erase");
    await start(disk, { script: "reset.sh" }, cut);
    await start(disk, { script: "reset.sh" });
    assert.deepEqual(filesIn(join(disk, "state")), {}, `cut before command ${cut}`);
    assert.deepEqual(filesIn(join(disk, "ashlar")), { "reset-done": "erase\n" });
    rmSync(disk, { recursive: true });
  }
  const kept = marked("keep");
  await start(kept, { script: "reset.sh" });
  assert.deepEqual(below(filesIn(join(kept, "state")), "home/"), { "ada/file": "home" });
  assert.equal(existsSync(join(kept, "state/etc-overlay")), false);
  context.diagnostic(`${commands} cuts`);
});

void test("a reset for another generation than the one that starts is cancelled, and so is a damaged request", async () => {
  for (const request of ["2 erase\n", "", "erase\n", "1", "1 wipe-it\n"]) {
    const disk = newDisk();
    put(disk, "ashlar/reset", request);
    await start(disk, { script: "reset.sh" });
    assert.deepEqual(below(filesIn(join(disk, "state")), "home/"), { "ada/file": "home" }, JSON.stringify(request));
    assert.equal(existsSync(join(disk, "ashlar/reset")), false);
  }
});
