import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { merkleTree, verityDescriptor, verityDigest, verityDigestOfFile } from "./fsverity.ts";

const BLOCK = 4096;
/** Sizes at which a block, a level of 128 hashes, or a read ends. */
const SIZES = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 128 * BLOCK, 128 * BLOCK + 1, 2 ** 21 - 1, 2 ** 21, 2 ** 21 + 1, 5_000_000];

test("an empty file has the digest the kernel measures", () => {
  assert.equal(verityDigest(Buffer.alloc(0)), "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95");
});

test("digests agree with the definition, level by level, at every boundary", () => {
  for (const size of SIZES) assert.equal(verityDigest(sample(size)), digestByDefinition(sample(size)), `${size} bytes`);
});

test("a file has the digest of its content", () => {
  withFile((path) => {
    for (const size of SIZES) {
      writeFileSync(path, sample(size));
      assert.equal(digestOfPath(path, size), verityDigest(sample(size)), `${size} bytes`);
    }
  });
});

test("a file that is shorter or longer than promised is refused", () => {
  withFile((path) => {
    writeFileSync(path, sample(10_000));
    for (const size of [0, 9_999, 10_001, 3_000_000]) assert.throws(() => digestOfPath(path, size), { code: "E_VERITY_SIZE" });
  });
});

test("the stored tree has the root's level first and each level in whole blocks", () => {
  assert.equal(merkleTree(sample(BLOCK)).levels.length, 0);
  const content = sample(129 * BLOCK);
  const { levels, rootHash } = merkleTree(content);
  assert.equal(levels.length, 3 * BLOCK);
  const [root, ...leaves] = [0, 1, 2].map((index) => levels.subarray(index * BLOCK, (index + 1) * BLOCK));
  assert.deepEqual(rootHash, hash("sha256", root!, "buffer"));
  assert.deepEqual(root!.subarray(0, 32), hash("sha256", leaves[0]!, "buffer"));
  assert.deepEqual(root!.subarray(32, 64), hash("sha256", leaves[1]!, "buffer"));
  assert.deepEqual(root!.subarray(64), Buffer.alloc(BLOCK - 64));
  assert.deepEqual(leaves[0]!.subarray(0, 32), hash("sha256", content.subarray(0, BLOCK), "buffer"));
  assert.equal(hash("sha256", verityDescriptor(content.length, rootHash), "hex"), verityDigest(content));
});

/** The specification's algorithm with nothing clever about it. */
function digestByDefinition(content: Buffer): string {
  let level: Buffer = content;
  do {
    const hashes: Buffer[] = [];
    for (let at = 0; at < level.length; at += BLOCK) {
      const block = Buffer.alloc(BLOCK);
      level.copy(block, 0, at);
      hashes.push(hash("sha256", block, "buffer"));
    }
    level = Buffer.concat(hashes);
  } while (level.length > 32);
  const size = Buffer.alloc(8);
  size.writeUInt32LE(content.length);
  return hash("sha256", Buffer.concat([Buffer.from([1, 1, 12, 0, 0, 0, 0, 0]), size, level, Buffer.alloc(240 - level.length)]), "hex");
}

function sample(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at += 7) bytes[at] = (at * 31) % 251;
  return bytes;
}

function digestOfPath(path: string, size: number): string {
  const fd = openSync(path, "r");
  try {
    return verityDigestOfFile(fd, size);
  } finally {
    closeSync(fd);
  }
}

function withFile(use: (path: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "ashlar-verity-"));
  try {
    use(join(folder, "file"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
