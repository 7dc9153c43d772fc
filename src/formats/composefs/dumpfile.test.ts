import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { compareBytes } from "#formats/bytes.ts";
import { randomDump } from "../../../test/support/random-dump.ts";
import { parseDumpfile } from "./dumpfile-parse.ts";
import { renderDumpfile } from "./dumpfile.ts";
import { escapeAttribute, escapeField, unescapeField } from "./escape.ts";

const ROOT = "/ 0 40755 2 0 0 0 0.0 - - -\n";

test("a rendered dump parses to the same entries, and is ASCII", () => {
  fc.assert(
    fc.property(randomDump(), (entries) => {
      const text = renderDumpfile(entries);
      assert.match(text, /^[ -~\n]*$/);
      assert.equal(renderDumpfile(parseDumpfile(text)), text);
      for (const [index, entry] of parseDumpfile(text).entries()) assert.deepEqual(comparable(entry), comparable(entries[index]!));
    }),
    { numRuns: 12 },
  );
});

test("every byte survives escaping", () => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString("latin1");
  for (const text of [all, "-", "", "--", "a=b", "\\x2d"]) {
    assert.equal(unescapeField(escapeField(text)), text);
    assert.equal(unescapeField(escapeAttribute(text)), text);
  }
  assert.equal(escapeField("-"), "\\x2d");
  assert.equal(escapeAttribute("a=-"), "a\\x3d-");
});

test("the last line needs no newline", () => {
  assert.deepEqual(parseDumpfile(ROOT.trimEnd()), parseDumpfile(ROOT));
});

const REFUSED: readonly (readonly [what: string, line: string])[] = [
  ["too few fields", "/a 0 100644 1 0 0 0 0.0 - -"],
  ["an empty line", ""],
  ["an empty path", " 0 100644 1 0 0 0 0.0 - - -"],
  ["a mode without a type", "/a 0 644 1 0 0 0 0.0 - - -"],
  ["a mode with too many bits", "/a 0 1100644 1 0 0 0 0.0 - - -"],
  ["a size that is not a number", "/a -1 100644 1 0 0 0 0.0 - - -"],
  ["a size no number can hold", "/a 9007199254740993 100644 1 0 0 0 0.0 - - -"],
  ["an owner above 32 bits", "/a 0 100644 1 4294967296 0 0 0.0 - - -"],
  ["a time without nanoseconds", "/a 0 100644 1 0 0 0 5 - - -"],
  ["a second of nanoseconds", "/a 0 100644 1 0 0 0 5.1000000000 - - -"],
  ["content of another size", "/a 3 100644 1 0 0 0 0.0 - ab -"],
  ["a digest that is too short", "/a 3 100644 1 0 0 0 0.0 - - abcd"],
  ["an attribute without a value", "/a 0 100644 1 0 0 0 0.0 - - - user.a"],
  ["a hard link without a target", "/a 0 @100644 1 0 0 0 0.0 - - -"],
  ["a symbolic link without a target", "/a 0 120777 1 0 0 0 0.0 - - -"],
  ["an escape that is cut", "/a\\x4 0 100644 1 0 0 0 0.0 - - -"],
  ["an unknown escape", "/a\\q 0 100644 1 0 0 0 0.0 - - -"],
  ["a NUL byte", "/a\0 0 100644 1 0 0 0 0.0 - - -"],
  ["a character that is not a byte", "/\u20ac 0 100644 1 0 0 0 0.0 - - -"],
];

for (const [what, line] of REFUSED)
  test(`${what} is refused with its line number`, () => {
    assert.throws(() => parseDumpfile(`${ROOT}${line}\n${ROOT}`), { code: "E_DUMP_SYNTAX", message: /^line 2 / });
  });

/** Symbolic links get the size of their target in text, and empty content is no content. */
function comparable(entry: ReturnType<typeof parseDumpfile>[number]): unknown {
  if (entry.hardlink !== undefined) return entry;
  return { ...entry, xattrs: [...entry.xattrs].sort(([a], [b]) => compareBytes(a, b)), content: entry.content?.toString("latin1") };
}
