import assert from "node:assert/strict";
import test from "node:test";
import { AshlarError } from "#errors";
import { readAr, writeAr } from "./ar.ts";

const isArError = (error: unknown): boolean => error instanceof AshlarError && error.code.startsWith("E_AR_");
const MEMBERS = [
  { name: "debian-binary", content: Buffer.from("2.0\n") },
  { name: "odd", content: Buffer.from("xyz") },
  { name: "empty", content: Buffer.alloc(0) },
];

void test("what is written is read again", () => {
  assert.deepEqual(readAr(writeAr(MEMBERS)), MEMBERS);
});

void test("every truncation is noticed", () => {
  const bytes = writeAr(MEMBERS.slice(0, 2));
  const memberEnds = new Set([8, 8 + 60 + 4, bytes.length - 1]);
  for (let length = 0; length < bytes.length; length++)
    if (!memberEnds.has(length)) assert.throws(() => readAr(bytes.subarray(0, length)), isArError, `cut to ${length} bytes`);
});

void test("a header with a wrong end or size is refused", () => {
  const bytes = writeAr(MEMBERS);
  bytes.write("zz", 8 + 48);
  assert.throws(() => readAr(bytes), { code: "E_AR_SYNTAX" });
});
