import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { locateOption, locateText, locateValue } from "./locate.ts";
import { writtenOptions } from "./source-scan.ts";
import { tokenize } from "./source-tokens.ts";

const SOURCE = `import { defineSystem } from "ashlar"; // { name: "no" }
const port = { ssh: { port: 22 } };
function admin(key: string) {
  return { sshKeys: [key, "second"], sudo: true };
}
export default defineSystem({
  name: \`web-\${[1].map((x) => { return { name: x } })}\`,
  /* ssh: { port: 1 } */
  ssh: { port: 70000 },
  users: {
    ada: admin("first"),
    "bob-b": { sshKeys: [
      "x",
      "y",
    ] },
  },
  files: { "/etc/a": "a: { b: 1 }", '/etc/b': { mode: /[/"]:{/.source } },
});
`;
const sources = [{ file: "system.ts", text: SOURCE }];

for (const [path, found, line, column] of [
  [["name"], undefined, 7, 3],
  [["ssh", "port"], 70000, 9, 10],
  [["ssh", "port"], 22, 2, 23],
  [["users", "bob-b", "sshKeys", 1], "y", 14, 7],
  [["users", "ada", "sshKeys", 1], "second", 4, 27],
  [["users", "carol"], undefined, 10, 3],
  [["files", "/etc/b", "mode"], undefined, 17, 49],
] as const) {
  test(`${path.join(".")} with ${String(found)} is at ${line}:${column}`, () => {
    assert.deepEqual(locateOption(sources, path, found), { file: "system.ts", line, column });
  });
}

test("an option that is nowhere has no place", () => {
  assert.equal(locateOption([{ file: "a.ts", text: "export default make();" }], ["ssh", "port"]), undefined);
});

test("a conflict finds each of its values", () => {
  assert.deepEqual(locateValue(sources, ["ssh", "port"], 22), [{ file: "system.ts", line: 2, column: 23 }]);
});

test("a module's name is found where it is imported", () => {
  assert.deepEqual(locateText(SOURCE, "ashlar"), { line: 1, column: 30 });
});

test("every property of any JSON text is found at its key", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: "grapheme", minLength: 1 }), fc.jsonValue(), { minKeys: 1 }), (record) => {
      const text = JSON.stringify(record, null, 2);
      const found = writtenOptions(text).filter(({ path }) => path.length === 1);
      assert.deepEqual(new Set(found.map(({ path }) => path[0])), new Set(Object.keys(record)));
      for (const { path, offset } of found) assert.ok(text.startsWith(JSON.stringify(path[0]), offset));
    }),
  );
});

test("tokens cover any text without getting stuck", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("`", "${", "}", "{", '"', "'", "/", "\\", "\n", "a", ":", "1", "*", "[") }), (text) => {
      let end = 0;
      for (const token of tokenize(text)) {
        assert.ok(token.offset >= end && token.text.length > 0);
        end = token.offset + token.text.length;
      }
      writtenOptions(text);
    }),
    { numRuns: 500 },
  );
});
