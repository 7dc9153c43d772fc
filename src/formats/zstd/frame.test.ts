import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { execPath } from "node:process";
import { test } from "node:test";
import { constants, zstdCompressSync } from "node:zlib";
import * as fc from "fast-check";
import { noise } from "../../../test/support/release-fixture.ts";
import { closeFrame } from "./close-frame.ts";
import { ZstdError } from "./errors.ts";
import { openFrame } from "./open-frame.ts";
import { readFrame } from "./read-frame.ts";
import { newSequences, readSequences } from "./sequences.ts";

/** Machine code and text: what kernels are made of. */
const program = readFileSync(execPath).subarray(3_000_000, 4_500_000);
const text = readFileSync(new URL("../../../package-lock.json", import.meta.url));

function compress(content: Uint8Array, level: number, checksum = false): Buffer {
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: checksum ? 1 : 0 };
  return zstdCompressSync(content, { params });
}

/** @param start of the frame in the file */
function close(file: Buffer, start: number, content: Buffer): Buffer {
  const { skeleton, blocks } = openFrame(file, start);
  const made: Buffer[] = [];
  const take: Parameters<typeof closeFrame>[0]["take"] = (count, place) => {
    const block = blocks.find((each) => each.place === place && each.count > 0);
    return block === undefined ? newSequences(count) : readSequences(file, block, newSequences(count));
  };
  const read = (place: number, length: number): Buffer => content.subarray(place, place + length);
  closeFrame({ skeleton, take, size: content.length, read }, (bytes) => made.push(Buffer.from(bytes)));
  return Buffer.concat(made);
}

/** Of some blocks only literals are packed: text in base 64, of which no three bytes in a row occur before. */
const letters = Buffer.from(noise(9, 400_000).map((byte) => 65 + (byte & 15)));
const mixed = Buffer.concat([text, letters, text, noise(5, 200_000), letters.reverse()]);

for (const [name, content] of Object.entries({ program, text, mixed, noise: noise(5, 300_000), zeros: Buffer.alloc(1_000_000) }))
  void test(`a frame with ${name}, of any level, is the same again`, () => {
    for (const level of [-5, 1, 3, 9, 15, 19, 22]) {
      const packed = compress(content, level, level % 2 === 1);
      // In the middle of a file.
      const file = Buffer.concat([Buffer.alloc(7), packed, Buffer.alloc(3)]);
      const frame = openFrame(file, 7);
      assert.equal(frame.size, content.length);
      assert.ok(readFrame(packed, 0, content.length).content.equals(content), `level ${level}`);
      assert.equal(frame.end, 7 + packed.length);
      assert.ok(close(file, 7, content).equals(packed), `level ${level}`);
    }
  });

void test("frames of any content are the same again", () => {
  const chunk = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.uint8Array({ minLength: 1, maxLength: 3 }).map((seed) => Uint8Array.from({ length: 400 }, (_, at) => seed[at % seed.length]!)),
  );
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 40 }), fc.integer({ min: 1, max: 22 }), (parts, level) => {
      const content = Buffer.concat(parts);
      const packed = compress(content, level);
      assert.deepEqual(close(packed, 0, content), packed);
      assert.deepEqual(readFrame(packed, 0, content.length).content, content);
    }),
    { numRuns: 200 },
  );
});

void test("a cut frame, and one with a byte changed, are refused or are other frames", () => {
  const packed = compress(text, 9);
  for (let at = 0; at < packed.length; at += 97) {
    assert.throws(() => openFrame(packed.subarray(0, at), 0), ZstdError, `cut at ${at}`);
    const damaged = Buffer.from(packed);
    damaged[at]! ^= 0x41;
    for (const open of [openFrame, (bytes: Buffer) => readFrame(bytes, 0, 10_000_000)])
      try {
        open(damaged, 0);
      } catch (error) {
        assert.ok(error instanceof ZstdError, `${String(error)} at ${at}`);
      }
  }
});

void test("parts that do not belong together make no frame", () => {
  const packed = compress(text, 9);
  assert.throws(() => close(packed, 0, text.subarray(0, -1)), ZstdError);
  assert.throws(() => close(packed, 0, Buffer.concat([text, Buffer.from("x")])), ZstdError);
  assert.throws(() => close(packed, 0, Buffer.alloc(text.length)), ZstdError);
});
