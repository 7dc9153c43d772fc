import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { AshlarError } from "#errors";
import { parseDumpfile } from "#formats/composefs/dumpfile-parse.ts";
import { randomDump } from "../../../test/support/random-dump.ts";
import { debugImage } from "./debug.ts";
import { chunkBits } from "./format.ts";
import { openImage } from "./image.ts";
import { objectsOfImage, readImage } from "./reader.ts";
import { writeImage } from "./writer.ts";

const A = "a1".repeat(32);
const B = "b2".repeat(32);

/** A small system with one of everything. */
const SAMPLE = `/ 0 40755 2 0 0 0 1700000000.0 - - - security.selinux=root\\x00
/bin 7 120777 1 0 0 0 1700000000.0 usr/bin - -
/dev 0 40755 2 0 0 0 1700000000.0 - - -
/dev/null 0 20666 1 0 0 259 1700000000.0 - - -
/etc 0 40755 2 0 0 0 1700000000.0 - - -
/etc/hostname 4 100644 1 0 0 0 1700000000.0 - web\\n -
/etc/mail 0 40750 2 70000 8 0 1700000000.0 - - - system.posix_acl_access=x
/gone 0 20600 1 0 0 0 1700000000.0 - - -
/run 0 40755 2 0 0 0 1700000001.5 - - -
/usr 0 40755 2 0 0 0 1700000000.0 - - -
/usr/bin 0 40755 2 0 0 0 1700000000.0 - - -
/usr/bin/ping 90000 100755 1 0 0 0 1700000000.0 a1/${A.slice(2)} - ${A} security.capability=cap
/usr/bin/ping4 0 @100755 1 0 0 0 1700000000.0 /usr/bin/ping - -
/usr/bin/same 90000 100755 1 0 0 0 1700000000.0 a1/${A.slice(2)} - ${A}
/usr/bin/true 5000 100755 1 0 0 0 1700000000.0 b2/${B.slice(2)} - ${B}
`;

test("what is read from an image, written again, is the same image", () => {
  fc.assert(
    fc.property(randomDump(), fc.constantFrom({}, { maxVersion: 0 } as const, { minVersion: 1 } as const), (entries, versions) => {
      const image = writeImage(entries, versions);
      assert.ok(writeImage(readImage(image), versions).equals(image));
    }),
    { numRuns: 12 },
  );
});

test("the order of siblings in the dump does not change the image", () => {
  const entries = parseDumpfile(SAMPLE);
  const [root, ...others] = entries;
  const reordered = [
    root!,
    ...others.filter((entry) => entry.path.split("/").length === 2).reverse(),
    ...others.filter((entry) => entry.path.split("/").length > 2),
  ];
  assert.ok(writeImage(reordered).equals(writeImage(entries)));
});

test("the text of an image shows the place and the meaning of every inode", (context) => {
  const lines = debugImage(writeImage(parseDumpfile(SAMPLE))).split("\n\n");
  // The 256 entries that hide the object folder are all alike but for their names.
  const shown = lines
    .filter((block) => !/^\d+ \/[0-9a-f]{2} /.test(block))
    .map((block) => block.replace(/(\n {2}\d+ 3 [0-9a-f]{2})+/g, "\n  …"));
  context.assert.snapshot(shown.join("\n\n"), { serializers: [(text: string) => text] });
});

test("the objects of an image are listed once each, in the order of their digests", () => {
  assert.deepEqual(objectsOfImage(writeImage(parseDumpfile(SAMPLE))), [
    { object: A, size: 90000 },
    { object: B, size: 5000 },
  ]);
});

test("an image has version 1 only when it holds whiteouts, or when that is asked for", () => {
  const plain = parseDumpfile(SAMPLE).filter((entry) => entry.path !== "/gone");
  assert.equal(openImage(writeImage(plain)).version, 0);
  assert.equal(openImage(writeImage(parseDumpfile(SAMPLE))).version, 1);
  assert.equal(openImage(writeImage(parseDumpfile(SAMPLE), { maxVersion: 0 })).version, 0);
  assert.equal(openImage(writeImage(plain, { minVersion: 1 })).version, 1);
});

test("a chunk is the smallest power of two that holds the file", () => {
  const sizes = [1, 4096, 4097, 8192, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 43];
  assert.deepEqual(sizes.map(chunkBits), [12, 12, 13, 13, 31, 32, 33, 43]);
});

const REFUSED: readonly (readonly [what: string, dump: string])[] = [
  ["no root", "/a 0 40755 2 0 0 0 0.0 - - -"],
  ["a root that is a file", "/ 0 100755 2 0 0 0 0.0 - - -"],
  ["two roots", "/ 0 40755 2 0 0 0 0.0 - - -\n/ 0 40755 2 0 0 0 0.0 - - -"],
  ["a file before its folder", "/ 0 40755 2 0 0 0 0.0 - - -\n/a/b 0 100644 1 0 0 0 0.0 - - -\n/a 0 40755 2 0 0 0 0.0 - - -"],
  ["a file in a file", "/ 0 40755 2 0 0 0 0.0 - - -\n/a 0 100644 1 0 0 0 0.0 - - -\n/a/b 0 100644 1 0 0 0 0.0 - - -"],
  ["one name for two files", "/ 0 40755 2 0 0 0 0.0 - - -\n/a 0 100644 1 0 0 0 0.0 - - -\n/a 0 100644 1 0 0 0 0.0 - - -"],
  ["one name for a file and a link", "/ 0 40755 2 0 0 0 0.0 - - -\n/a 0 100644 1 0 0 0 0.0 - - -\n/a 0 @100644 1 0 0 0 0.0 /a - -"],
  ["a relative path", "/ 0 40755 2 0 0 0 0.0 - - -\na 0 100644 1 0 0 0 0.0 - - -"],
  ["a hard link to nothing", "/ 0 40755 2 0 0 0 0.0 - - -\n/a 0 @100644 1 0 0 0 0.0 /b - -"],
  [
    "a hard link to a hard link",
    "/ 0 40755 2 0 0 0 0.0 - - -\n/a 0 100644 1 0 0 0 0.0 - - -\n/b 0 @100644 1 0 0 0 0.0 /a - -\n/c 0 @100644 1 0 0 0 0.0 /b - -",
  ],
  ["a hard link to a folder", "/ 0 40755 2 0 0 0 0.0 - - -\n/a 0 40755 2 0 0 0 0.0 - - -\n/b 0 @100644 1 0 0 0 0.0 /a - -"],
  ["a file above 8 TiB", "/ 0 40755 2 0 0 0 0.0 - - -\n/a 8796093022209 100644 1 0 0 0 0.0 - - -"],
  ["a name of 256 bytes", `/ 0 40755 2 0 0 0 0.0 - - -\n/${"n".repeat(256)} 0 100644 1 0 0 0 0.0 - - -`],
];

for (const [what, dump] of REFUSED)
  test(`${what} cannot be written`, () => {
    assert.throws(() => writeImage(parseDumpfile(dump)), { code: "E_EROFS_INPUT" });
  });

test("changed images are read as what they are, or refused, and never anything else", () => {
  const images = [
    writeImage(parseDumpfile(SAMPLE)),
    ...fc.sample(randomDump(), { seed: 1, numRuns: 4 }).map((entries) => writeImage(entries)),
  ];
  const change = fc.record({ at: fc.nat(), value: fc.integer({ min: 0, max: 255 }) });
  fc.assert(
    fc.property(fc.constantFrom(...images), fc.array(change, { minLength: 1, maxLength: 4 }), fc.boolean(), (image, changes, nearStart) => {
      const hostile = Buffer.from(image);
      for (const { at, value } of changes) hostile[(nearStart ? at % 8192 : at) % hostile.length] = value;
      acceptsOrRefuses(hostile);
    }),
    { numRuns: 400 },
  );
});

test("an image cut anywhere is refused", () => {
  const image = writeImage(parseDumpfile(SAMPLE));
  for (let length = 0; length < image.length; length += 64)
    assert.throws(() => readImage(image.subarray(0, length)), { code: "E_EROFS_DAMAGED" });
});

function acceptsOrRefuses(hostile: Buffer): void {
  try {
    readImage(hostile);
  } catch (error) {
    if (!(error instanceof AshlarError) || !error.code.startsWith("E_EROFS_")) throw error;
  }
}
