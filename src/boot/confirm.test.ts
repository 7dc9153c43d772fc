/** The countdown script, with a folder for the physical root and `echo` for the machine's program. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { exec } from "#sys/exec.ts";
import { readAsset } from "./assets.ts";

const home = mkdtempSync(join(tmpdir(), "ashlar-confirm-"));
after(() => rmSync(home, { recursive: true }));

const script = join(home, "confirm.sh");
writeFileSync(
  script,
  readAsset("confirm.sh")
    .toString()
    .replace("home=/sysroot/ashlar", `home=${home}`)
    .replace("/usr/bin/ashlar", "echo")
    .replace("sleep 2", "sleep 0.2"),
);
const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
const uptime = (): number => Math.floor(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]));

test("when the seconds are over the generation is taken back", async () => {
  begin(`${boot} ${uptime()} 1`);
  assert.match(await run(), /apply --revert$/);
});

test("seconds that went by in the same start count although nobody was counting", async () => {
  begin(`${boot} ${uptime() - 500} 400`);
  assert.match(await run(), /apply --revert$/);
});

test("after a restart it goes on from what was left, whatever the clock of that start said", async () => {
  begin(`another-start ${uptime() - 500} 1`);
  assert.match(await run(), /apply --revert$/);
  const [start, , left] = readFileSync(join(home, "confirm-left"), "utf8").split(" ");
  assert.deepEqual([start, left], [boot, "1\n"]);
});

test("a confirmation ends it", async () => {
  begin(`${boot} ${uptime()} 600`);
  const ended = run();
  rmSync(join(home, "applied.json"));
  assert.equal(await ended, "");
  assert.equal(existsSync(join(home, "confirm-left")), true, "the machine's program removes both");
});

function begin(left: string): void {
  writeFileSync(join(home, "applied.json"), "{}");
  writeFileSync(join(home, "confirm-left"), `${left}\n`);
}

async function run(): Promise<string> {
  return (await exec("/bin/sh", [script], { timeout: 60_000 })).stdout.toString().trimEnd();
}
