import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import { verityMetadata, verityMetadataOffset, verityMetadataSize } from "./ext4-verity.ts";
import { verityDigest } from "./fsverity.ts";

const BLOCK = 4096;
const SIZES = [1, BLOCK, BLOCK + 1, 65_535, 65_536, 65_537, 128 * BLOCK, 128 * BLOCK + 1, 128 * 128 * BLOCK + 1];

void test("metadata begins at the first 64 KiB boundary at or after the end of the content", () => {
  assert.deepEqual([0, 1, 65_535, 65_536, 65_537].map(verityMetadataOffset), [0, 65_536, 65_536, 65_536, 131_072]);
});

void test("the size is known without the content, at every boundary of the tree", () => {
  for (const size of SIZES) assert.equal(verityMetadataSize(size), verityMetadata(Buffer.alloc(size, 7)).bytes.length, `${size} bytes`);
});

void test("the last four bytes lead to a descriptor whose hash is the file's digest", () => {
  for (const size of SIZES) {
    const content = Buffer.alloc(size, "ashlar");
    const { bytes, digest } = verityMetadata(content);
    const descriptorSize = bytes.readUInt32LE(bytes.length - 4);
    const at = Math.floor((bytes.length - 4 - descriptorSize) / BLOCK) * BLOCK;
    assert.equal(hash("sha256", bytes.subarray(at, at + descriptorSize)), verityDigest(content), `${size} bytes`);
    assert.equal(digest, verityDigest(content), `${size} bytes`);
  }
});

void test("no block of the metadata is all zeros, since a population tool would leave it out", () => {
  const { bytes } = verityMetadata(Buffer.alloc(129 * BLOCK));
  for (let at = 0; at < bytes.length; at += BLOCK) assert.ok(bytes.subarray(at, at + BLOCK).some((byte) => byte !== 0));
});
