import assert from "node:assert/strict";
import { test } from "node:test";
import { imageAt } from "./machine.ts";

const DIGEST = "ab".repeat(32);
const OTHER = "cd".repeat(32);
const overlay = (mountPoint: string, digest: string): string =>
  `29 1 0:26 / ${mountPoint} ro,relatime shared:1 - overlay composefs:${digest} ro,metacopy=on`;
const booted = (mountinfo: string, cmdline: string) => imageAt(["/"], mountinfo, cmdline);
const running = (mountinfo: string, cmdline: string) => imageAt(["/usr", "/"], mountinfo, cmdline);

test("what was started is read from the source of the root mount and the kernel command line", () => {
  const mountinfo = `${overlay("/", DIGEST)}\n30 29 0:5 / /dev rw - devtmpfs udev rw\n`;
  assert.deepEqual(booted(mountinfo, `composefs=${DIGEST} quiet ashlar.generation=12 panic=30\n`), { digest: DIGEST, generation: 12 });
});

test("of several mounts on the root the last one is what is seen", () => {
  assert.equal(booted(`1 1 0:2 / / rw - rootfs rootfs rw\n${overlay("/", OTHER)}\n${overlay("/", DIGEST)}\n`, "")?.digest, DIGEST);
});

test("what runs is what lies over /usr, and without that what was started", () => {
  const root = overlay("/", DIGEST);
  const cmdline = `composefs=${DIGEST} ashlar.generation=2`;
  const over = `${root}\n44 29 0:40 /usr /usr ro shared:9 - overlay composefs:${OTHER} ro\n`;
  assert.deepEqual(running(over, cmdline), { digest: OTHER, generation: undefined });
  assert.deepEqual(booted(over, cmdline), { digest: DIGEST, generation: 2 });
  assert.deepEqual(running(root, cmdline), booted(root, cmdline));
  const session = `${root}\n44 29 0:40 / /usr rw - overlay session rw,lowerdir=/usr\n`;
  assert.equal(running(session, cmdline)?.digest, DIGEST, "an overlay of somebody else is no image");
  const both = `${over}45 44 0:41 / /usr rw - overlay session rw,lowerdir=/usr\n`;
  assert.equal(running(both, cmdline)?.digest, OTHER, "nor does it hide one");
});

test("after a change of root without a new kernel the command line's number is another generation's", () => {
  assert.deepEqual(booted(overlay("/", OTHER), `composefs=${DIGEST} ashlar.generation=2`), { digest: OTHER, generation: undefined });
});

test("a computer that Ashlar did not start runs nothing of it", () => {
  assert.equal(booted("22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n", "root=/dev/sda1"), undefined);
  assert.equal(booted("", ""), undefined);
  assert.equal(booted(overlay("/mnt", DIGEST), ""), undefined);
  assert.equal(booted(overlay("/", "abc"), ""), undefined);
});

test("a generation that is no number is unknown", () => {
  assert.deepEqual(booted(overlay("/", DIGEST), `composefs=${DIGEST} ashlar.generation=x2 xashlar.generation=3`), {
    digest: DIGEST,
    generation: undefined,
  });
});
