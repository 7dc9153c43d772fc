import assert from "node:assert/strict";
import { test } from "node:test";
import { xxh32 } from "./xxh32.ts";

test("hashes agree with the reference values for every path of the algorithm", () => {
  // The specification's sanity buffer: bytes from a 64-bit generator that starts at PRIME32_1.
  const sanity = Buffer.alloc(222);
  let generator = 2654435761n;
  for (let index = 0; index < sanity.length; index++) {
    sanity[index] = Number(generator >> 56n);
    generator = (generator * 11400714785074694797n) & 0xffffffffffffffffn;
  }
  const prime = 0x9e3779b1;
  const expected: readonly (readonly [length: number, seed: number, hash: number])[] = [
    [0, 0, 0x02cc5d05],
    [0, prime, 0x36b78ae7],
    [1, 0, 0xcf65b03e],
    [1, prime, 0xb4545aa4],
    [14, 0, 0x1208e7e2],
    [14, prime, 0x6af1d1fe],
    [222, 0, 0x5bd11dbd],
    [222, prime, 0x58803c5f],
  ];
  for (const [length, seed, hash] of expected) assert.equal(xxh32(sanity.subarray(0, length), seed), hash, `${length} bytes, seed ${seed}`);
});
