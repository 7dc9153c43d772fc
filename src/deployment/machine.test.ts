import assert from "node:assert/strict";
import { test } from "node:test";
import { bootedOf } from "./machine.ts";

const DIGEST = "ab".repeat(32);
const overlay = (mountPoint: string, digest: string): string =>
  `29 1 0:26 / ${mountPoint} ro,relatime shared:1 - overlay composefs:${digest} ro,metacopy=on`;

test("what runs is read from the source of the root mount and the kernel command line", () => {
  assert.deepEqual(bootedOf(`${overlay("/", DIGEST)}\n30 29 0:5 / /dev rw - devtmpfs udev rw\n`, `quiet ashlar.generation=12 panic=30\n`), {
    digest: DIGEST,
    generation: 12,
  });
});

test("of several mounts on the root the last one is what is seen", () => {
  const other = "cd".repeat(32);
  assert.equal(bootedOf(`1 1 0:2 / / rw - rootfs rootfs rw\n${overlay("/", other)}\n${overlay("/", DIGEST)}\n`, "")?.digest, DIGEST);
});

test("a computer that Ashlar did not start runs nothing of it", () => {
  assert.equal(bootedOf("22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n", "root=/dev/sda1"), undefined);
  assert.equal(bootedOf("", ""), undefined);
  assert.equal(bootedOf(overlay("/mnt", DIGEST), ""), undefined);
  assert.equal(bootedOf(overlay("/", "abc"), ""), undefined);
});

test("a generation that is no number is unknown", () => {
  assert.deepEqual(bootedOf(overlay("/", DIGEST), "ashlar.generation=x2 xashlar.generation=3"), { digest: DIGEST, generation: undefined });
});
