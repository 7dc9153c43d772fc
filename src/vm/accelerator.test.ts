import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createReporter } from "#report/reporter.ts";
import { openWorkspace } from "#workspace";
import type { Workspace } from "#workspace";
import { chooseAccelerator } from "./accelerator.ts";
import type { KvmVerdict } from "./accelerator.ts";

/** A file that everyone may open stands for the device. */
const DEVICE = "/dev/null";

void test("KVM that kills its guest is tried once, then remembered with its reason", async () => {
  await withWorkspace(async (workspace) => {
    const notes: string[] = [];
    const report = createReporter((event) => event.type === "note" && notes.push(event.text));
    let probes = 0;
    const probe = (): Promise<KvmVerdict> => Promise.resolve({ guest: "died", why: `KVM internal error ${++probes}` });
    const choose = (): Promise<string> => chooseAccelerator({ wanted: undefined, workspace, report, device: DEVICE, probe });
    assert.equal(await choose(), "tcg");
    assert.equal(await choose(), "tcg");
    assert.equal(probes, 1);
    assert.deepEqual(notes, Array(2).fill("no KVM (KVM internal error 1): the processor is emulated, which is slow"));
  });
});

void test("KVM in which a guest lived is used without another try", async () => {
  await withWorkspace(async (workspace) => {
    let probes = 0;
    const probe = (): Promise<KvmVerdict> => (probes++, Promise.resolve({ guest: "lived" }));
    const report = createReporter(() => {});
    const choose = (): Promise<string> => chooseAccelerator({ wanted: undefined, workspace, report, device: DEVICE, probe });
    assert.deepEqual([await choose(), await choose(), probes], ["kvm", "kvm", 1]);
  });
});

void test("KVM in which a guest was silent is not trusted, and tried again the next time", async () => {
  await withWorkspace(async (workspace) => {
    const verdicts: KvmVerdict[] = [{ guest: "lived" }, { guest: "silent", why: "it was silent" }];
    const probe = (): Promise<KvmVerdict> => Promise.resolve(verdicts.pop() ?? { guest: "died", why: "one try too many" });
    const report = createReporter(() => {});
    const choose = (): Promise<string> => chooseAccelerator({ wanted: undefined, workspace, report, device: DEVICE, probe });
    assert.deepEqual([await choose(), await choose(), await choose()], ["tcg", "kvm", "kvm"]);
  });
});

void test("KVM that was asked for and is missing is an error, emulation never needs a try", async () => {
  await withWorkspace(async (workspace) => {
    const report = createReporter(() => {});
    const probe = (): Promise<never> => Promise.reject(new Error("probed"));
    const choice = { workspace, report, probe, device: "/dev/no-such-device" };
    await assert.rejects(chooseAccelerator({ ...choice, wanted: "kvm" }), {
      code: "E_VM_KVM",
      message: /there is no \/dev\/no-such-device/,
    });
    assert.equal(await chooseAccelerator({ ...choice, wanted: "tcg" }), "tcg");
    assert.equal(await chooseAccelerator({ ...choice, wanted: undefined }), "tcg");
  });
});

async function withWorkspace(use: (workspace: Workspace) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "ashlar-accelerator-"));
  try {
    await use(openWorkspace(folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
