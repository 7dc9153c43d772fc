import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readCpio, writeCpio } from "./cpio.ts";
import type { CpioEntry } from "./cpio.ts";

const name = fc.stringMatching(/^[a-z0-9._+\u00e0-\u00ff-]{1,12}$/).filter((text) => text !== "." && text !== "..");
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));
const mode = fc.integer({ min: 0, max: 0o7777 });
const entry: fc.Arbitrary<CpioEntry> = fc.oneof(
  fc.record({ kind: fc.constant("directory" as const), path, mode }, { noNullPrototype: true }),
  fc.record(
    { kind: fc.constant("file" as const), path, mode, content: fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)) },
    { noNullPrototype: true },
  ),
  fc.record({ kind: fc.constant("symlink" as const), path, target: path }, { noNullPrototype: true }),
);
const entries = fc.uniqueArray(entry, { maxLength: 30, selector: (item) => item.path });
const byPath = (a: CpioEntry, b: CpioEntry): number => (a.path < b.path ? -1 : 1);

test("reading gives back what was written, in byte order", () => {
  fc.assert(fc.property(entries, (list) => assert.deepEqual(readCpio(writeCpio(list, 0)), [...list].sort(byPath))));
});

test("the bytes do not depend on the order of the entries", () => {
  fc.assert(fc.property(entries, (list) => assert.deepEqual(writeCpio(list, 7), writeCpio([...list].reverse(), 7))));
});

test("an archive is padded to 512 bytes and every header to 4", () => {
  const archive = writeCpio([{ kind: "file", path: "odd", mode: 0o644, content: Buffer.from("12345") }], 1);
  assert.equal(archive.length, 512);
  assert.equal(archive.toString("latin1", 0, 14), "07070100000001");
  assert.equal(archive.toString("latin1", 110, 116), "odd\0\0\0");
  assert.equal(archive.indexOf("070701", 1), 124);
});

test("a truncated archive is refused with the offset", () => {
  const archive = writeCpio([{ kind: "file", path: "a", mode: 0o644, content: Buffer.alloc(100) }], 1);
  assert.throws(() => readCpio(archive.subarray(0, 150)), { code: "E_CPIO_MALFORMED", message: /at byte 112: 100 bytes expected/ });
  assert.throws(() => readCpio(Buffer.alloc(110, "x")), { code: "E_CPIO_MALFORMED", message: /at byte 0: no newc header/ });
});
