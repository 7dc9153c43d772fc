import assert from "node:assert/strict";
import test from "node:test";
import { compressSync } from "@napi-rs/lzma/xz";
import { decompress } from "./decompress.ts";
import { xzContentSize } from "./xz.ts";

const CONTENT = Buffer.alloc(300_000, "ashlar ");

void test("the index tells the size of the content, of concatenated and padded streams too", () => {
  const one = compressSync(CONTENT);
  assert.equal(xzContentSize(one), CONTENT.length);
  assert.equal(xzContentSize(Buffer.concat([one, Buffer.alloc(8), one])), 2 * CONTENT.length);
});

void test("every truncation is noticed without decompressing", () => {
  const one = compressSync(CONTENT);
  for (let length = 1; length < one.length; length += 7)
    assert.throws(() => xzContentSize(one.subarray(0, length)), { code: "E_XZ_SYNTAX" });
});

void test("content over the limit is refused before it unfolds", async () => {
  await assert.rejects(decompress("bomb.xz", compressSync(CONTENT), CONTENT.length - 1), { code: "E_DECOMPRESS_LIMIT" });
  assert.equal((await decompress("good.xz", compressSync(CONTENT), CONTENT.length)).length, CONTENT.length);
});

void test("compressions that Debian no longer uses are named", async () => {
  await assert.rejects(decompress("data.tar.bz2", CONTENT, 1e6), { code: "E_DECOMPRESS_UNKNOWN" });
});
