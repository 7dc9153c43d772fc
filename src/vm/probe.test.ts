import assert from "node:assert/strict";
import { test } from "node:test";
import { isAboutKvm } from "./probe.ts";

void test("what QEMU says of a KVM that is no use is told from what it says of a machine", () => {
  const about = [
    "KVM internal error. Suberror: 1",
    "qemu-system-x86_64: error: failed to set MSR 0x10a to 0xc000069",
    "qemu-system-x86_64: target/i386/kvm/kvm.c:3877: kvm_buf_set_msrs: Assertion `ret == cpu->kvm_msr_buf->nmsrs' failed.",
    "Could not access KVM kernel module: Permission denied",
    "qemu-system-x86_64: -accel kvm: failed to initialize kvm: Permission denied",
  ];
  for (const line of about) assert.ok(isAboutKvm(line), line);
  const others = [
    "qemu-system-x86_64: -netdev user,id=net0: Could not set up host forwarding rule 'tcp:127.0.0.1:22-:22'",
    "qemu-system-x86_64: -drive file=/tmp/drive0: Could not open '/tmp/drive0': No such file or directory",
  ];
  for (const line of others) assert.ok(!isAboutKvm(line), line);
});
