import assert from "node:assert/strict";
import { test } from "node:test";
import { createContext, runInContext } from "node:vm";
import * as fc from "fast-check";
import { literalsIn } from "./literals.ts";
import { patchConfig } from "./patch.ts";

const first = async (text: string, ...[change, path = "system.ts"]: [Parameters<typeof patchConfig>[1], string?]): Promise<string> =>
  (await patchConfig(text, change, path))[0] ?? "";

const context = createContext({});
const value = (text: string): unknown => JSON.parse(JSON.stringify(runInContext(`(${text})`, context))) as unknown;

test("any text at any path of a TypeScript or JSON object is what is read from it afterwards", async () => {
  const content = fc.oneof(
    fc.string({ unit: "binary" }).filter((text) => !text.includes("\0")),
    fc.string({ unit: fc.constantFrom("a", "\n", "\r", "`", "$", "{", "}", "\\", "'", '"', "/", "*", "\u2028") }),
  );
  const key = fc.constantFrom("/etc/motd", "/etc/new", "__x", "a b");
  await fc.assert(
    fc.asyncProperty(content, key, fc.constantFrom("system.ts", "system.json"), async (text, name, path) => {
      const before = `{\n  "files": {\n    "/etc/motd": "one", "/etc/a": { "text": "b", "mode": "0600" }\n  },\n  "name": "web"\n}`;
      const after = await first(before, { kind: "set", path: ["files", name], value: { text, mode: "0640" } }, path);
      assert.deepEqual(value(after), {
        files: { "/etc/motd": "one", "/etc/a": { text: "b", mode: "0600" }, [name]: { text, mode: "0640" } },
        name: "web",
      });
      if (path === "system.json") assert.deepEqual(JSON.parse(after), value(after));
    }),
    { numRuns: 30 },
  );
});

test("an entry goes after the last one and the comment behind it, on a line of its own where the others have one", async () => {
  const change = { kind: "set", path: ["sysctl", "b"], value: "2" } as const;
  assert.equal(await first("x({ sysctl: { a: 1 } })", change), 'x({ sysctl: { a: 1, b: "2" } })');
  assert.equal(
    await first("x({\n  sysctl: {\n    a: 1 // one\n  },\n})", change),
    'x({\n  sysctl: {\n    a: 1, // one\n    b: "2"\n  },\n})',
  );
  assert.equal(await first("x({\n  sysctl: {},\n})", change), 'x({\n  sysctl: { b: "2" },\n})');
  assert.equal(
    await first("x({\n  sysctl: {\n    // none yet\n  },\n})", change),
    'x({\n  sysctl: {\n    // none yet\n    b: "2"\n  },\n})',
  );
});

test("an entry that goes takes its line and its comma along, and JSON stays JSON", async () => {
  const change = { kind: "remove", path: ["b"] } as const;
  assert.equal(await first("x({\n  a: 1,\n  b: 2, // two\n  c: 3,\n})", change), "x({\n  a: 1,\n  c: 3,\n})");
  assert.equal(await first("x({ a: 1, b: 2, c: 3 })", change), "x({ a: 1, c: 3 })");
  assert.equal(await first('{\n  "a": 1,\n  "b": 2\n}', change, "system.json"), '{\n  "a": 1\n}');
  assert.equal(await first('{ "a": 1, "b": 2 }', change, "system.json"), '{ "a": 1 }');
});

test("items join and leave lists", async () => {
  const text = 'x({ services: { mask: ["a", "b"] } })';
  assert.equal(await first(text, { kind: "include", path: ["services", "mask"], item: "c" }), 'x({ services: { mask: ["a", "b", "c"] } })');
  assert.equal(await first(text, { kind: "exclude", path: ["services", "mask"], items: ["a"] }), 'x({ services: { mask: ["b"] } })');
  assert.equal(
    await first(text, { kind: "include", path: ["services", "enable"], item: "c" }),
    'x({ services: { mask: ["a", "b"], enable: ["c"] } })',
  );
});

test("lines of YAML that do not change stay as they were written", async () => {
  const text = "# Lab\nname:   web    # short\nssh: yes\nlist:\n- a\n-   b\nfiles:\n    /etc/a:   'x'\nservices: {mask: [one,two]}\n";
  assert.equal(
    await first(text, { kind: "set", path: ["files", "/etc/b"], value: { text: "1\n2\n" } }, "system.yaml"),
    text.replace("'x'\n", "'x'\n    /etc/b: |\n        1\n        2\n"),
  );
  assert.equal(
    await first(text, { kind: "include", path: ["services", "mask"], item: "three" }, "system.yaml"),
    text.replace("[one,two]", "[one, two, three]"),
  );
});

test("the object that is exported is tried before those of helpers", async () => {
  const text = 'const site = { files: {} };\nexport default merge({ name: "a" }, {\n  name: "b",\n});\n';
  const change = { kind: "set", path: ["files", "/etc/a"], value: { text: "x" } } as const;
  const candidates = await patchConfig(text, change, "system.ts");
  assert.ok(candidates[0]?.includes('const site = { files: { "/etc/a": "x" } }'), "the place that has files at all");
  assert.ok(candidates[1]?.includes('  name: "b",\n  files: { "/etc/a": "x" },\n'));
});

test("literals are found in any text without an error", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("{", "}", "[", "]", "(", ")", ",", ":", "a", '"', "`", "$", "/", "\n", " ", ".") }),
      (text) => {
        for (const { start, end, entries } of literalsIn(text)) {
          assert.ok(start < end);
          for (const entry of entries)
            assert.ok(start < entry.start && entry.start <= entry.end && entry.end <= entry.after && entry.after <= end);
        }
      },
    ),
  );
});
