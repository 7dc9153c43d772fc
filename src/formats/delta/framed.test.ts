/** Kernels travel as what changed inside them, however they were compressed. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { execPath } from "node:process";
import { test } from "node:test";
import { brotliCompressSync, constants, zstdCompressSync } from "node:zlib";
import * as fc from "fast-check";
import { linkProgram, someParts } from "../../../test/support/linked-program.ts";
import { noise } from "../../../test/support/release-fixture.ts";
import { DeltaError } from "./errors.ts";
import { applied, closeFramed, insideFramed, patchFramed } from "./framed.ts";
import type { InsideFramed } from "./framed.ts";
import { openMoves, parseMoves, renderMoves } from "./moves.ts";
import { fileOf } from "./old-file.ts";
import { makePatches } from "./patch.ts";
import type { Piece } from "./patch.ts";

const LIMITS = { piece: 8 * 2 ** 20, size: 128 * 2 ** 20 };
const program = readFileSync(execPath).subarray(3_000_000, 4_500_000);

/** As a linker moves code: something is put in, something is gone, and addresses change. */
function changed(content: Buffer): Buffer {
  const next = Buffer.concat([content.subarray(0, 400_000), noise(2, 700), content.subarray(400_000, 900_000), content.subarray(900_400)]);
  for (let at = 1000; at < next.length; at += 6000) next[at]! += 4;
  return next;
}

/** A file with a frame in the middle, of the level that Debian's kernels have. */
function kernel(content: Buffer, name: string): Buffer {
  const frame = zstdCompressSync(content, { params: { [constants.ZSTD_c_compressionLevel]: 22 } });
  return Buffer.concat([Buffer.from(`head of ${name}`.padEnd(3000, "-")), frame, Buffer.from(`tail of ${name}`.padEnd(5000, "+"))]);
}

const [old, next] = [kernel(program, "6.1"), kernel(changed(program), "6.1.1")];
const patch = patchFramed(old, next, LIMITS)!;
/** Making a file uses it up. */
const before = (file = old): InsideFramed => insideFramed(file, LIMITS.size)!;

void test("a changed kernel costs little, and is the same bit for bit", () => {
  const bytes = Buffer.concat(patch.pieces.flatMap(({ steps, changes, fresh }) => [steps, changes, fresh]));
  const [wire, whole] = [brotliCompressSync(bytes).length, next.length];
  assert.ok(wire < whole / 4, `${wire} of ${whole} bytes`);
  assert.ok(closeFramed(before(), applied(patch.pieces), next.length).equals(next));
});

void test("a kernel that was linked anew costs less than its addresses", () => {
  const parts = someParts(4000);
  const more = { name: "added", size: 300, refers: [] };
  const linked = [parts, [...parts.slice(0, 70), more, ...parts.slice(70)]].map((list) => linkProgram(list).file) as [Buffer, Buffer];
  const files = linked.map((content, at) => kernel(content, `6.1.${at}`)) as [Buffer, Buffer];
  const { pieces } = patchFramed(...files, LIMITS)!;
  const costOf = (list: readonly Piece[]): number =>
    brotliCompressSync(Buffer.concat(list.flatMap(({ steps, changes, fresh }) => [steps, changes, fresh]))).length;
  const [content, plain] = [costOf(pieces.filter(({ steps }) => steps.length > 0)), costOf(makePatches(...linked, LIMITS.piece))];
  assert.ok(content < plain / 10, `${content} of ${plain} bytes`);
  assert.ok(closeFramed(before(files[0]), applied(pieces), files[1].length).equals(files[1]));
});

void test("there is no such patch for a file without a frame, or with more inside than is allowed", () => {
  assert.equal(patchFramed(program, next, LIMITS), undefined);
  assert.equal(patchFramed(old, program, LIMITS), undefined);
  assert.equal(patchFramed(old, next, { ...LIMITS, size: 1_000_000 }), undefined);
  assert.equal(insideFramed(program, LIMITS.size), undefined);
  assert.equal(insideFramed(old, 1_000_000), undefined);
});

void test("damaged pieces, another old file and another size are refused", () => {
  const inside = before();
  const result = Buffer.alloc(patch.size);
  applied(patch.pieces)(fileOf(inside.parts)).read(0, result);
  const refused = (from: InsideFramed, bytes: Buffer, size: number): void => {
    try {
      assert.ok(!closeFramed(from, () => fileOf([bytes]), size).equals(next));
    } catch (error) {
      assert.ok(error instanceof DeltaError, String(error));
    }
  };
  for (let at = result.length - 1; at > program.length; at -= 4999) {
    const damaged = Buffer.from(result);
    damaged[at]! ^= 0x55;
    refused(before(), damaged, next.length);
  }
  refused(before(), result.subarray(0, 10), next.length);
  refused(before(next), result, next.length);
  refused({ ...before(), matches: () => undefined }, result, next.length);
  refused(before(), result, next.length - 1);
  refused(before(), result, next.length + 1);
});

void test("moves are read as they were written; of several stretches the longest counts", () => {
  const move = fc.record({ old: fc.nat(5000), gap: fc.nat(50), length: fc.integer({ min: 1, max: 900 }) });
  fc.assert(
    fc.property(fc.array(move, { maxLength: 30 }), (list) => {
      let end = 0;
      const moves = list.map(({ old, gap, length }) => ({ old, next: (end += gap + length) - length, length }));
      assert.deepEqual(parseMoves(renderMoves(moves)), moves);
      const { toOld, toNext } = openMoves(moves);
      for (const { old, next, length } of moves) {
        assert.equal(toOld(next + length - 1), old + length - 1);
        for (const place of [old, old + length - 1]) {
          const most = Math.max(...moves.map((each) => (each.old <= place && place < each.old + each.length ? each.length : 0)));
          assert.ok(
            moves.some(
              (each) =>
                each.length === most && each.old <= place && place < each.old + most && toNext(place) === place + each.next - each.old,
            ),
          );
        }
      }
    }),
  );
});
