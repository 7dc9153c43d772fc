/** The script that ends a failed trial, with stand-ins for what it runs, in folders instead of the machine's own. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { exec } from "#sys/exec.ts";
import { scratch } from "../../test/support/release-fixture.ts";
import { readAsset } from "./assets.ts";

const home = scratch();
after(() => home[Symbol.dispose]());

let runs = 0;
/** @returns what the script ran, one command to a line */
async function run(
  entries: readonly string[] | undefined,
  { cmdline = "quiet ashlar.generation=2 panic=30", counted = true, reason = "" } = {},
) {
  const root = join(home.path, `run-${++runs}`);
  mkdirSync(join(root, "bin"), { recursive: true });
  if (entries !== undefined) mkdirSync(join(root, "efi/loader/entries"), { recursive: true });
  for (const entry of entries ?? []) writeFileSync(join(root, "efi/loader/entries", entry), "title x\n");
  writeFileSync(join(root, "cmdline"), cmdline);
  writeFileSync(join(root, "log"), "");
  if (counted) writeFileSync(join(root, "count-variable"), "");
  for (const name of ["ashlar", "systemctl"])
    writeFileSync(join(root, "bin", name), `#!/bin/sh\necho "${name} $*" >>${root}/log\n`, { mode: 0o755 });
  const script = readAsset("trial-failed.sh")
    .toString()
    .replaceAll("/efi/loader", `${root}/efi/loader`)
    .replaceAll("/proc/cmdline", `${root}/cmdline`)
    .replaceAll("/usr/bin/ashlar", `${root}/bin/ashlar`)
    .replaceAll(/\/sys\/firmware\S+/g, `${root}/count-variable`);
  await exec("/bin/sh", ["-c", script, "trial-failed.sh", ...(reason === "" ? [] : [reason])], {
    env: { PATH: `${root}/bin:/usr/bin:/bin` },
  });
  return readFileSync(join(root, "log"), "utf8");
}

test("on trial, with another generation to start: it is condemned, and the machine restarts", async () => {
  assert.equal(await run(["ashlar-000001.conf", "ashlar-000002+0-1.conf"]), "ashlar condemn\nsystemctl reboot\n");
  assert.equal(
    await run(["ashlar-000001.conf", "ashlar-000002+2-1.conf"], { reason: "it came to emergency mode" }),
    "ashlar condemn it came to emergency mode\nsystemctl reboot\n",
  );
});

test("with nothing else to start it is condemned and stays up", async () => {
  assert.equal(await run(["ashlar-000001+0-3.conf", "ashlar-000002+0-1.conf"]), "ashlar condemn\n");
});

test("a good generation, and one whose blessing was cut short, are left alone", async () => {
  assert.equal(await run(["ashlar-000001.conf", "ashlar-000002.conf"]), "");
  assert.equal(await run(["ashlar-000001.conf", "ashlar-000002.conf", "ashlar-000002+2-1.conf"]), "");
  assert.equal(await run(["ashlar-000001.conf"]), "");
});

test("whoever wants to look around is not thrown out", async () => {
  for (const word of ["ashlar.shell", "systemd.unit=rescue.target", "emergency", "single"])
    assert.equal(await run(["ashlar-000001.conf", "ashlar-000002+2-1.conf"], { cmdline: `ashlar.generation=2 ${word}` }), "", word);
});

test("when the boot entries cannot be read, a counted start restarts, and is counted again", async () => {
  assert.equal(await run(undefined), "systemctl reboot\n");
  assert.equal(await run(undefined, { counted: false }), "");
});
