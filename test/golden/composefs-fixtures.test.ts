import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { AshlarError } from "#errors";
import { parseDumpfile } from "#formats/composefs/dumpfile-parse.ts";
import type { VersionRange } from "#formats/erofs/graph.ts";
import { readImage } from "#formats/erofs/reader.ts";
import { writeImage } from "#formats/erofs/writer.ts";

const FOLDER = join(import.meta.dirname, "../fixtures/composefs");

const V0 = { minVersion: 0, maxVersion: 0 } as const;
const V1 = { minVersion: 1, maxVersion: 1 } as const;

/** SHA-256 of the image by mkcomposefs 1.0.8, from the project's own tests. */
const EXPECTED: readonly (readonly [file: string, versions: VersionRange, sha256: string])[] = [
  ["special.dump", V0, "d344782ff962ab7d1c5533755c19c5bf3c3485f55bfaf228fc89524c7e2ba61e"],
  ["special.dump", V1, "2b1dfb9ffe6938cb3134c339059572e38cbd8cc515d54758fdff55cad5a37427"],
  ["special.dump", {}, "2b1dfb9ffe6938cb3134c339059572e38cbd8cc515d54758fdff55cad5a37427"],
  ["no-newline.dump", V0, "99f02c3c63d0c4c14be6f63e87250adafc0e173a12354f50d9ba7cd320deeca7"],
  ["honggfuzz-chardev-nonzero-size.dump", {}, "3e7ca8195f29cfd0583ed761c8eead21892ef0ec61d1402aa7f7d84ef8316947"],
  ["honggfuzz-long-symlink.dump", {}, "7939aa24a6499de3796792d8ad220138453803ab5f20c96a8c815bf212d44ff7"],
  ["longlink.dump", {}, "6747c908f88fc6c18626027f204159f3c2a6225b45e4de2f2d5ebf969bf5f24a"],
];

for (const [file, versions, sha256] of EXPECTED)
  test(`the image of ${file} at versions ${JSON.stringify(versions)} is the one mkcomposefs makes`, () => {
    const image = imageOf(file, versions);
    assert.equal(hash("sha256", image), sha256);
    assert.deepEqual(writeImage(readImage(image), versions), image, "read and written again");
  });

for (const file of readdirSync(FOLDER).filter((name) => name.startsWith("should-fail-")))
  test(`${file} is refused`, () => {
    assert.throws(
      () => imageOf(file),
      (error) => error instanceof AshlarError && ["E_DUMP_SYNTAX", "E_EROFS_INPUT"].includes(error.code),
    );
  });

function imageOf(file: string, versions: VersionRange = {}): Buffer {
  return writeImage(parseDumpfile(readFileSync(join(FOLDER, file), "latin1")), versions);
}
