import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeLoadOption } from "./efi-load-option.ts";

test("a load option names partition and program as the UEFI specification lays them out", () => {
  const option = encodeLoadOption({
    description: "Ab",
    partition: { number: 1, start: 2048, size: 0x80000, guid: "00112233-4455-6677-8899-aabbccddeeff" },
    path: "\\x.efi",
  });
  const expected = [
    "01000000 4000", // active; bytes of the device path
    "41006200 0000", // "Ab"
    "04012a00 01000000 0008000000000000 0000080000000000 33221100 5544 7766 8899aabbccddeeff 02 02",
    "04041200 5c0078002e00650066006900 0000",
    "7fff0400",
  ].join(" ");
  assert.equal(option.toString("hex"), expected.replaceAll(" ", ""));
});
