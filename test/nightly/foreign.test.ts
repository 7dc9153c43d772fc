/** A machine out of somebody else's container image starts, is good, and has what the image had. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { importOci, openMachine } from "#pipeline";
import type { Context } from "#pipeline";
import { silentReporter } from "#report/reporter.ts";
import type { Machine } from "#vm/machine.ts";
import { logIn, runCommand } from "#vm/console.ts";
import { openBuildLab, workspaceIn } from "../support/build-lab.ts";
import { HELPER, foreignImage } from "../support/foreign-image.ts";
import { BOOT_MS } from "../support/live-machine.ts";

const PASSWORD = "correct horse";
/** `openssl passwd -6` of it. */
const HASH = "$6$ashlar$LLLKZ9VCuJBQUxDXjsNfYAPh859K608lj7HHG2Od2tjaLkONw8WD5w7BvJOqCG7f.XwKoWKBda0VeN5KtbOmS0";

const place = mkdtempSync("/dev/shm/ashlar-foreign-boot-");
let machine: Machine;
let digest: string;

before(async () => {
  using lab = await openBuildLab();
  const context: Context = { workspace: workspaceIn(join(place, "workspace")), report: silentReporter };
  const { layout } = await foreignImage(lab.config, place, context);
  const config = lab.variant("machine", `{ users: { root: { passwordHash: "${HASH}" } }, health: { units: ["app.service"] } }`);
  const imported = await importOci({ from: layout, foreign: async () => ({ config, locked: false, privileged: [HELPER] }) }, context);
  digest = imported.image.digest;
  ({ machine } = await openMachine({ config: `image:${digest}`, serial: "pipe", ephemeral: true }, context));
});
after(async () => {
  await machine?.stop();
  rmSync(place, { recursive: true, force: true });
});

void test("its kernel starts, its service runs as its account, and the start is good", async (t) => {
  const { console } = machine;
  assert.ok(console);
  await logIn(console, { user: "root", password: PASSWORD }, BOOT_MS);
  const ask = async (command: string): Promise<string> => (await runCommand(console, command, BOOT_MS)).output;
  assert.equal(await ask("systemctl is-system-running --wait; systemctl --failed --no-legend"), "running");
  assert.equal(await ask("findmnt -no SOURCE /"), `composefs:${digest}`);
  assert.equal(await ask("stat -c %U /proc/$(systemctl show -P MainPID app.service)"), "app");
  assert.equal(await ask("cat /etc/app-again.conf; stat -c %a:%U /usr/local/bin/helper /var/lib/app"), "second\n4755:root\n755:app");
  assert.match(await ask("ashlar status"), /runs generation 1 \(good\)/);
  t.diagnostic(await ask("uname -r; systemd-analyze | head -1"));
});
