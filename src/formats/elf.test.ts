import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readElfNeeds } from "./elf.ts";

const DYNAMIC = { needed: 1n, strtab: 5n, runpath: 29n };

test("interpreter, libraries, search folders and dlopen notes are found", () => {
  assert.deepEqual(readElfNeeds(sample(), "sample"), {
    interpreter: "/lib64/ld.so",
    needed: ["libc.so.6", "libm.so.6"],
    runpath: ["$ORIGIN/x", "/y"],
    opened: [["libkmod.so.2", "libkmod.so.1"]],
  });
});

test("files of another kind have no needs", () => {
  assert.equal(readElfNeeds(Buffer.from("#!/bin/sh\n"), "script"), undefined);
  const narrow = sample();
  narrow[4] = 1;
  assert.equal(readElfNeeds(narrow, "32 bit"), undefined);
});

test("a program that runs this test is read like `readelf -d` reads it", async () => {
  const { readFileSync } = await import("node:fs");
  const needs = readElfNeeds(readFileSync(process.execPath), process.execPath);
  assert.match(needs?.interpreter ?? "", /ld-linux/);
  assert.ok(needs?.needed.includes("libc.so.6"));
});

test("altered bytes give an error of ours or an answer, never another exception", () => {
  const original = sample();
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      fc.nat(original.length),
      (changes, length) => {
        const bytes = Buffer.from(original);
        for (const [at, value] of changes) bytes[at] = value;
        try {
          readElfNeeds(bytes.subarray(0, length), "altered");
        } catch (error) {
          assert.equal((error as { code?: string }).code, "E_ELF_MALFORMED", String(error));
        }
      },
    ),
    { numRuns: 2000 },
  );
});

/** A small ELF file: header, five program headers, then strings, dynamic section, note. Addresses are offsets + 0x1000. */
function sample(): Buffer {
  const strings = "\0libc.so.6\0libm.so.6\0$ORIGIN/x:/y\0/lib64/ld.so\0";
  const at = (text: string): bigint => BigInt(strings.indexOf(text));
  const json = `[{"feature":"kmod","priority":"recommended","soname":["libkmod.so.2","libkmod.so.1"]},{"priority":"suggested","soname":["libbpf.so.1"]}]\0`;
  const stringsAt = 64 + 56 * 4;
  const dynamicAt = Math.ceil((stringsAt + strings.length) / 8) * 8;
  const dynamic: [bigint, bigint][] = [
    [DYNAMIC.needed, at("libc")],
    [DYNAMIC.needed, at("libm")],
    [DYNAMIC.runpath, at("$ORIGIN")],
    [DYNAMIC.strtab, BigInt(stringsAt + 0x1000)],
    [0n, 0n],
  ];
  const noteAt = dynamicAt + dynamic.length * 16;
  const size = noteAt + 16 + json.length;
  const bytes = Buffer.alloc(size);
  bytes.write("\x7fELF\x02\x01\x01", "latin1");
  bytes.writeBigUInt64LE(64n, 32);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(4, 56);
  const segment = (index: number, type: number, offset: number, length: number): void => {
    const head = 64 + index * 56;
    bytes.writeUInt32LE(type, head);
    bytes.writeBigUInt64LE(BigInt(offset), head + 8);
    bytes.writeBigUInt64LE(BigInt(offset + 0x1000), head + 16);
    bytes.writeBigUInt64LE(BigInt(length), head + 32);
    bytes.writeBigUInt64LE(4n, head + 48);
  };
  segment(0, 1, 0, size);
  segment(1, 2, dynamicAt, dynamic.length * 16);
  segment(2, 3, stringsAt + strings.indexOf("/lib64"), 13);
  segment(3, 4, noteAt, 16 + json.length);
  bytes.write(strings, stringsAt, "latin1");
  dynamic.forEach(([tag, value], index) => {
    bytes.writeBigUInt64LE(tag, dynamicAt + index * 16);
    bytes.writeBigUInt64LE(value, dynamicAt + index * 16 + 8);
  });
  bytes.writeUInt32LE(4, noteAt);
  bytes.writeUInt32LE(json.length, noteAt + 4);
  bytes.writeUInt32LE(0x407c0c0a, noteAt + 8);
  bytes.write("FDO\0", noteAt + 12, "latin1");
  bytes.write(json, noteAt + 16, "latin1");
  return bytes;
}
