/** A program whose functions moved is the old one with other addresses, and these are known. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { execPath } from "node:process";
import { test } from "node:test";
import * as fc from "fast-check";
import { linkProgram, someParts } from "../../../../test/support/linked-program.ts";
import type { Linked, Part } from "../../../../test/support/linked-program.ts";
import { differenceOf } from "../diff.ts";
import { DeltaError } from "../errors.ts";
import type { Move } from "../moves.ts";
import { fileOf } from "../old-file.ts";
import { applyPatch, patchesOf } from "../patch.ts";
import { readVarints } from "../varint.ts";
import { differenceOfPrograms } from "./difference.ts";
import { programOf } from "./elf.ts";
import { NO_PROGRAM, openAddresses, parseProgram, renderProgram } from "./program.ts";
import type { Program } from "./program.ts";
import { relocate } from "./relocate.ts";

const PARTS = someParts(400);
const GROWN: Part = { ...PARTS[100]!, size: PARTS[100]!.size + 90 };
const [old, next] = [
  linkProgram(PARTS),
  linkProgram([...PARTS.slice(0, 50), { name: "added", size: 300, refers: [] }, ...PARTS.slice(50).with(50, GROWN)]),
];
const programs = { from: programOf(old.file), to: programOf(next.file) };

const changedBytes = (changes: Uint8Array): number => changes.reduce((sum, byte) => sum + Math.sign(byte), 0);
const bytesOf = ({ file, places }: Linked, name: string): Buffer => {
  const { place, size } = places.get(name)!;
  return file.subarray(place, place + size);
};

void test("every function and table is as the linker makes it, when all is known of what moved", () => {
  const moves: Move[] = PARTS.map(({ name }) => ({
    old: old.places.get(name)!.place,
    next: next.places.get(name)!.place,
    length: old.places.get(name)!.size,
  }));
  const sites = { old: old.places.get(".sites")!.place, next: next.places.get(".sites")!.place };
  moves.push({ ...sites, length: 50 * 4 }, { old: sites.old + 200, next: sites.next + 204, length: 350 * 4 });
  const moved = { ...old, file: Buffer.from(old.file) };
  relocate(moved.file, { ...programs, moves });
  assert.notDeepEqual(moved.file, old.file);
  for (const { name } of PARTS)
    if (name !== GROWN.name) assert.ok(bytesOf(moved, name).equals(bytesOf(next, name)), `${name} is another one`);
  const table = bytesOf(next, ".sites");
  assert.deepEqual(bytesOf(moved, ".sites"), Buffer.concat([table.subarray(0, 200), table.subarray(204)]));
});

void test("where nothing moved, nothing changes", () => {
  const same = Buffer.from(old.file);
  relocate(same, { from: programs.from, to: programs.from, moves: [] });
  assert.deepEqual(same, old.file);
});

void test("a difference has next to none of the addresses, and makes the new program", () => {
  const { difference, relocation } = differenceOfPrograms(old.file, next.file, programs);
  const plain = changedBytes(differenceOf(old.file, next.file).changes);
  assert.ok(changedBytes(difference.changes) < plain / 20, `${changedBytes(difference.changes)} of ${plain} changes`);
  const moved = Buffer.from(old.file);
  relocate(moved, relocation);
  const pieces = patchesOf(difference, 10_000);
  assert.deepEqual(Buffer.concat(pieces.map((piece) => applyPatch(piece, fileOf([moved]), piece.length))), next.file);
});

void test("the program that runs this test has its entry in code, and libraries and text are none", () => {
  const node = readFileSync(execPath);
  assert.ok(openAddresses(programOf(node)).isCode(node.readUInt32LE(24)));
  for (const other of [Buffer.alloc(0), Buffer.from("#!/bin/sh\n".repeat(20)), node.subarray(0, 4096)])
    assert.deepEqual(programOf(other), NO_PROGRAM);
});

void test("altered headers give a program that fits its file, or none", () => {
  const { file } = linkProgram(PARTS.slice(0, 5).map((part) => ({ ...part, refers: [] })));
  const headers = Number(file.readBigUInt64LE(40));
  const place = fc.oneof(fc.nat(63), fc.integer({ min: headers, max: file.length - 1 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 6 }), (changes) => {
      const bytes = Buffer.from(file);
      for (const [at, value] of changes) bytes[at] = value;
      const program = programOf(bytes);
      assert.deepEqual(parseProgram(readVarints(renderProgram(program)), bytes.length), program);
    }),
  );
});

void test("a program is read as it was written, one that is larger than its file is refused, and none of them harms", () => {
  const kind = fc.oneof(
    fc.constantFrom("code" as const, "data" as const),
    fc.integer({ min: 4, max: 64 }).map((entry) => ({ entry, words: 1 })),
  );
  const region = fc.record({ gap: fc.nat(100), address: fc.nat(5000), size: fc.nat(900), kind });
  fc.assert(
    fc.property(fc.array(region, { maxLength: 8 }), fc.nat(2000), fc.nat(2000), (list, at, size) => {
      let end = 0;
      const regions = list.map(({ gap, address, size, kind }) => ({ place: (end += gap + size) - size, address, size, kind }));
      const program: Program = { regions, list: { place: at, size } };
      const bytes = renderProgram(program);
      const whole = Math.max(end, at + size);
      assert.deepEqual(parseProgram(readVarints(bytes), whole), program);
      if (whole > 0) assert.throws(() => parseProgram(readVarints(bytes), whole - 1), DeltaError);
      const content = Buffer.alloc(whole, "\u0005\u0000\u00e8\u0000\u0000", "latin1");
      relocate(content, { from: program, to: program, moves: [{ old: 10, next: 500, length: 4000 }] });
      assert.equal(content.length, whole);
    }),
  );
});
