import assert from "node:assert/strict";
import test from "node:test";
import { fieldOf, parseDeb822 } from "./deb822.ts";

void test("paragraphs are separated by empty lines and continuation lines keep their text", () => {
  const [first, second] = parseDeb822("Package: a\nDescription: short\n long\n .\n more\n\n\n# comment\nPackage: b\n");
  assert.equal(first?.get("Description"), "short\nlong\n\nmore");
  assert.equal(second?.get("Package"), "b");
});

void test("field names are found whatever their case", () => {
  const [paragraph] = parseDeb822("uris: x\n");
  assert.equal(paragraph === undefined ? undefined : fieldOf(paragraph, "URIs"), "x");
});

for (const [what, text, line] of [
  ["a line without a colon", "Package: a\nnonsense\n", 2],
  ["a repeated field", "A: 1\na: 2\n", 2],
  ["a continuation without a field", " x\n", 1],
] as const)
  void test(`${what} is refused with its line`, () => {
    assert.throws(() => parseDeb822(text), { code: "E_DEB822_SYNTAX", details: { line } });
  });
