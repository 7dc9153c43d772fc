/** Starting, asking and stopping a machine; no guest is needed for that, the firmware is enough. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { silentReporter } from "#report/reporter.ts";
import { openToolchain } from "#toolchain/open.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { startMachine } from "#vm/machine.ts";
import type { MachineOptions } from "#vm/machine.ts";
import { openWorkspace } from "#workspace";

let folder: string;
let toolchain: Toolchain;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "ashlar-machine-"));
  // Machines keep their sockets below it; other machines of this host are not our business.
  process.env["TMPDIR"] = folder;
  toolchain = await openToolchain("vm", { workspace: openWorkspace(), report: silentReporter });
  writeFileSync(join(folder, "disk.img"), "");
  truncateSync(join(folder, "disk.img"), 1024 * 1024);
});

after(() => {
  delete process.env["TMPDIR"];
  rmSync(folder, { recursive: true });
});

const options = (): MachineOptions & { serial: "pipe" } => ({
  disk: join(folder, "disk.img"),
  serial: "pipe",
  toolchain,
  memory: 256,
  cpus: 1,
  accel: "tcg",
});

void test("a machine answers on QMP, shows its firmware, and leaves nothing behind when it is stopped", async () => {
  const machine = await startMachine({ ...options(), sshPort: 0 });
  try {
    assert.ok(machine.sshPort !== undefined && machine.sshPort > 0);
    assert.deepEqual(await machine.qmp.execute("query-status"), { status: "running", running: true });
    await assert.rejects(machine.qmp.execute("no-such-command"), { code: "E_VM_QMP", message: /no-such-command/ });
    await machine.console.waitFor(/BdsDxe/, 120_000);
    await machine.qmp.execute("stop");
    assert.match(await machine.lastWords(), /^QEMU says that it is paused; its console's last lines:\n(.*\n)*.*BdsDxe/);
  } finally {
    await machine.stop();
  }
  assert.match(await machine.lastWords(), /^QEMU has ended; .*\n(.*\n)*.*BdsDxe/);
  assert.equal(await machine.exited, 0);
  await assert.rejects(machine.qmp.execute("query-status"), { code: "E_VM_QMP" });
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith("ashlar-vm-")),
    [],
  );
});

void test("a port that another program has is an error with QEMU's words and a way out", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    await assert.rejects(startMachine({ ...options(), sshPort: port }), {
      code: "E_VM_START",
      message: new RegExp(`${port}`),
      hint: /--ssh-port/,
    });
  } finally {
    server.close();
  }
});

void test("a disk that is not there is named", async () => {
  await assert.rejects(startMachine({ ...options(), disk: join(folder, "none.img") }), { code: "E_VM_START", message: /none\.img/ });
});
