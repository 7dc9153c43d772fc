import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeDevice, encodeDevice } from "./file-mode.ts";

test("device numbers have the form that stat gives them", () => {
  assert.equal(encodeDevice(1, 3), 0x103);
  assert.equal(encodeDevice(8, 255), 0x8ff);
  assert.equal(encodeDevice(259, 256), 0x00110300);
  assert.equal(encodeDevice(4095, 1048575), 0xffffffff);
});

test("a decoded device number encodes to itself", () => {
  for (const device of [0, 0x103, 0x00110300, 0xffffffff]) {
    const { major, minor } = decodeDevice(device);
    assert.equal(encodeDevice(major, minor), device);
  }
});
