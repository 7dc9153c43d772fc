import assert from "node:assert/strict";
import test from "node:test";
import { parsePackageIndex } from "./package-index.ts";

const SHA = "a".repeat(64);
const stanza = (name: string, extra = ""): string =>
  `Package: ${name}\nVersion: 1\nArchitecture: all\n${extra}Description: about\n Package: not a stanza\nFilename: pool/${name}.deb\nSize: 7\nSHA256: ${SHA}\n`;
const indexOf = (...stanzas: string[]) => parsePackageIndex(Buffer.from(stanzas.join("\n")));

void test("packages are found by name, with every version", () => {
  const index = indexOf(stanza("a"), stanza("b"), stanza("b").replace("Version: 1", "Version: 2"));
  assert.deepEqual([...index.names()], ["a", "b"]);
  assert.deepEqual(
    index.find("b").map(({ version }) => version),
    ["1", "2"],
  );
  assert.deepEqual(index.find("c"), []);
});

void test("the first and the last stanza are as good as the others", () => {
  const index = parsePackageIndex(Buffer.from(`\n${stanza("a")}\n${stanza("z", "Essential: yes\n").trimEnd()}`));
  assert.equal(index.find("a")[0]?.size, 7);
  assert.deepEqual(
    index.essential().map(({ name }) => name),
    ["z"],
  );
});

void test("providers are found by what they provide, over continuation lines", () => {
  const index = indexOf(stanza("a", "Provides: mail-agent (= 1),\n other\n"), stanza("b", "Provides: other\n"));
  assert.deepEqual(
    index.providers("other").map(({ name }) => name),
    ["a", "b"],
  );
  assert.deepEqual(
    index.providers("mail-agent").map(({ name }) => name),
    ["a"],
  );
});

void test("an empty index has no packages", () => {
  assert.deepEqual([...parsePackageIndex(Buffer.alloc(0)).names()], []);
});

void test("something that is no index is refused", () => {
  assert.throws(() => parsePackageIndex(Buffer.from("<html>")), { code: "E_PACKAGE_INDEX_SYNTAX" });
});

for (const [what, from, to] of [
  ["a path out of the archive", "pool/a.deb", "../a.deb"],
  ["an absolute path", "pool/a.deb", "/etc/passwd"],
  ["a hash that is none", SHA, "abc"],
  ["a missing size", "Size: 7\n", ""],
] as const)
  void test(`${what} is refused when the stanza is read`, () => {
    assert.throws(() => indexOf(stanza("a").replace(from, to)).find("a"), { code: "E_PACKAGE_INDEX_SYNTAX" });
  });
