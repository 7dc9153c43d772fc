import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { DeltaError } from "./errors.ts";
import { applyPatch, makePatches } from "./patch.ts";
import type { OldFile } from "./patch.ts";

function oldFile(bytes: Buffer): OldFile {
  return { size: bytes.length, read: (place, into) => void bytes.copy(into, 0, place, place + into.length) };
}

/** Two files of which the second one is made of the first by cutting, moving and changing. */
const pair = fc
  .tuple(
    fc.uint8Array({ maxLength: 3000 }),
    fc.array(fc.record({ from: fc.nat(3000), length: fc.nat(900), change: fc.nat(255), every: fc.integer({ min: 1, max: 300 }) }), {
      maxLength: 6,
    }),
    fc.uint8Array({ maxLength: 200 }),
  )
  .map(([old, moves, end]) => {
    const parts = moves.map(({ from, length, change, every }) =>
      Buffer.from(old.subarray(from, from + length)).map((byte, at) => (at % every === 0 ? byte + change : byte)),
    );
    return { old: Buffer.from(old), next: Buffer.concat([...parts, end]) };
  });

void test("patches of any two files make the second one of the first", () => {
  fc.assert(
    fc.property(pair, fc.integer({ min: 1, max: 4000 }), ({ old, next }, most) => {
      const pieces = makePatches(old, next, most);
      assert.ok(pieces.every(({ length }) => length <= most));
      assert.deepEqual(Buffer.concat(pieces.map((piece) => applyPatch(piece, oldFile(old), piece.length))), next);
    }),
    { numRuns: 300 },
  );
});

void test("a few changed bytes and an insertion in a large file cost few bytes", () => {
  const old = Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * at * 31 + (at >> 3)) & 255));
  const next = Buffer.concat([old.subarray(0, 70_000), Buffer.from("something new"), old.subarray(70_000)]);
  for (const at of [5, 60_000, 120_000]) next[at] = next[at]! ^ 0x55;
  const [piece] = makePatches(old, next, 1 << 20);
  assert.ok(piece !== undefined);
  assert.ok(piece.steps.length + piece.changes.length + piece.fresh.length < 80);
});

void test("random bytes as a patch give an error of their own or a piece of the announced length", () => {
  const old = oldFile(Buffer.alloc(500, 7));
  const bytes = fc.uint8Array({ maxLength: 40 }).map((list) => Buffer.from(list));
  fc.assert(
    fc.property(fc.record({ steps: bytes, changes: bytes, fresh: bytes }), fc.nat(600), (patch, length) => {
      try {
        assert.equal(applyPatch(patch, old, length).length, length);
      } catch (error) {
        assert.ok(error instanceof DeltaError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

void test("a patch with one altered byte never reads outside the old file and never makes more than announced", () => {
  const old = Buffer.from(Array.from({ length: 4000 }, (_, at) => (at * 7919) & 255));
  const next = Buffer.concat([old.subarray(1000), Buffer.from("x"), old.subarray(0, 900)]);
  const [piece] = makePatches(old, next, 1 << 20);
  assert.ok(piece !== undefined);
  const guarded: OldFile = {
    size: old.length,
    read: (place, into) => {
      assert.ok(place >= 0 && place + into.length <= old.length, `reads ${into.length} at ${place}`);
      old.copy(into, 0, place, place + into.length);
    },
  };
  const parts = [piece.steps, piece.changes, piece.fresh];
  fc.assert(
    fc.property(fc.nat(2), fc.nat(4000), fc.integer({ min: 1, max: 255 }), (part, at, flip) => {
      const altered = parts.map((bytes, index) =>
        index === part && bytes.length > 0
          ? Buffer.from(bytes).fill(bytes[at % bytes.length]! ^ flip, at % bytes.length, (at % bytes.length) + 1)
          : bytes,
      );
      try {
        const [steps, changes, fresh] = altered as [Buffer, Buffer, Buffer];
        assert.equal(applyPatch({ steps, changes, fresh }, guarded, piece.length).length, next.length);
      } catch (error) {
        assert.ok(error instanceof DeltaError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});
