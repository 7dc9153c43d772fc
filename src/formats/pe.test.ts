import assert from "node:assert/strict";
import { test } from "node:test";
import { tinyKernel } from "../../test/support/tiny-kernel.ts";
import { efiObstacle } from "./pe.ts";

const whole = tinyKernel(Buffer.alloc(1000, 7));

test("an EFI application for this processor can be loaded", () => {
  assert.equal(efiObstacle(whole, process.arch), undefined);
});

test("whatever is cut off, for another processor or something else cannot, and never throws", () => {
  const obstacles = new Set<string>();
  for (let size = 0; size < whole.length; size++) {
    const obstacle = efiObstacle(whole.subarray(0, size), process.arch);
    assert.ok(obstacle !== undefined, `cut off after ${size} bytes`);
    obstacles.add(obstacle);
  }
  assert.deepEqual(
    [...obstacles],
    [
      "it does not begin with MZ",
      "it has no PE header",
      "it ends in its list of sections",
      "its section .text ends behind its end: it is cut off",
    ],
  );
  assert.match(efiObstacle(whole, "s390x") ?? "", /^it is for processor 0x[0-9a-f]+, not for s390x$/);
  const [driver, old] = [Buffer.from(whole), Buffer.from(whole)];
  driver.writeUInt16LE(11, 64 + 24 + 68);
  assert.equal(efiObstacle(driver, process.arch), "it is no EFI application");
  old.writeUInt16LE(0x10b, 64 + 24);
  assert.equal(efiObstacle(old, process.arch), "it is no PE32+ image");
  const far = Buffer.from(whole);
  far.writeUInt32LE(0xffffffff, 60);
  assert.equal(efiObstacle(far, process.arch), "it has no PE header");
});
