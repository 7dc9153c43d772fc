/** What is kept on the physical root: figures of interruptions, and what waits for its end. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { hasCountdown, readPending, removePending, writeCountdown, writePending } from "./confirm/pending.ts";
import type { Pending } from "./confirm/pending.ts";
import { readDowntimes, recordDowntimes } from "./downtime.ts";
import { kexecRefusals } from "./run/kexec-refusals.ts";

const sysroot = mkdtempSync(join(tmpdir(), "ashlar-apply-"));
after(() => rmSync(sysroot, { recursive: true }));
mkdirSync(join(sysroot, "ashlar"));

const pending: Pending = {
  version: 1,
  from: 2,
  to: 3,
  way: "live",
  boot: "one",
  began: { clock: 1000, uptime: 50 },
  settled: false,
  confirm: { seconds: 120, since: 5100, session: 7 },
};

test("the newest figure of a kind replaces the one before, and a damaged file is none", () => {
  recordDowntimes(sysroot, new Map([["restart web.service", 0.5]]));
  recordDowntimes(
    sysroot,
    new Map([
      ["restart web.service", 0.25],
      ["soft-reboot", 9],
    ]),
  );
  assert.deepEqual(
    [...readDowntimes(sysroot)],
    [
      ["restart web.service", 0.25],
      ["soft-reboot", 9],
    ],
  );
  writeFileSync(join(sysroot, "ashlar/downtime.json"), "{");
  assert.equal(readDowntimes(sysroot).size, 0);
});

test("what waits for its end is read as it was written, by root alone", () => {
  assert.equal(readPending(sysroot), undefined);
  writePending(sysroot, pending);
  assert.deepEqual(readPending(sysroot), pending);
  assert.equal(statSync(join(sysroot, "ashlar/applied.json")).mode & 0o777, 0o600);
});

test("a countdown begins when it is told to, and ends with the confirmation", () => {
  assert.equal(hasCountdown(sysroot), false);
  writeCountdown(sysroot, pending, 60);
  assert.equal(readFileSync(join(sysroot, "ashlar/confirm-left"), "utf8"), "one 60 120\n");
  const { confirm: _confirmed, ...kept } = pending;
  writePending(sysroot, kept);
  assert.equal(hasCountdown(sysroot), false);
  removePending(sysroot);
  assert.equal(existsSync(join(sysroot, "ashlar/applied.json")), false);
  removePending(sysroot);
});

test("a record that says more or less than it should is refused", () => {
  writeFileSync(join(sysroot, "ashlar/applied.json"), JSON.stringify({ ...pending, way: "magic" }));
  assert.throws(() => readPending(sysroot), { name: "ShapeError", message: /^way: / });
});

test("kexec is refused under lockdown, when it was turned off, and without it", () => {
  const root = `${sysroot}/`;
  assert.deepEqual(kexecRefusals(root), ["this kernel has no kexec"]);
  for (const folder of ["sys/kernel/security", "proc/sys/kernel"]) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, "sys/kernel/kexec_loaded"), "0\n");
  writeFileSync(join(root, "sys/kernel/security/lockdown"), "[none] integrity confidentiality\n");
  assert.deepEqual(kexecRefusals(root), []);
  writeFileSync(join(root, "sys/kernel/security/lockdown"), "none [integrity] confidentiality\n");
  writeFileSync(join(root, "proc/sys/kernel/kexec_load_disabled"), "1\n");
  assert.deepEqual(kexecRefusals(root), ["kernel.kexec_load_disabled is set", "kernel lockdown is integrity"]);
});
