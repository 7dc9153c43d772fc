import assert from "node:assert/strict";
import test from "node:test";
import { parsePackageIndex } from "#formats/package-index.ts";
import { createCatalog } from "#archive/catalog.ts";
import type { Catalog } from "#archive/catalog.ts";
import { solveClosure } from "./solve.ts";

/** "name version" to the further fields of its stanza. */
function catalogOf(packages: Record<string, string>): Catalog {
  const stanzas = Object.entries(packages).map(([key, fields]) => {
    const [name, version] = key.split(" ");
    return `Package: ${name}\nVersion: ${version}\nArchitecture: all\n${fields}Filename: pool/${name}_${version}.deb\nSize: 1\nSHA256: ${"0".repeat(64)}\n`;
  });
  const index = parsePackageIndex(Buffer.from(stanzas.join("\n")));
  const archive = { root: "debian", suite: "trixie", components: ["main"], date: "", release: "" };
  return createCatalog([{ ...archive, indexes: [{ component: "main", sha256: "", index }] }]);
}

const solved = (names: string[], packages: Record<string, string>): string[] =>
  solveClosure(names, catalogOf(packages)).map(({ name, version }) => `${name} ${version}`);

void test("dependencies come along, in cycles too, each once", () => {
  assert.deepEqual(solved(["a"], { "a 1": "Depends: b, c\n", "b 1": "Pre-Depends: c\n", "c 1": "Depends: a\n", "other 1": "" }), [
    "a 1",
    "b 1",
    "c 1",
  ]);
});

void test("the newest version that fits is taken", () => {
  assert.deepEqual(solved(["a"], { "a 1": "Depends: b (<< 3)\n", "b 1": "", "b 2": "", "b 3": "" }), ["a 1", "b 2"]);
});

void test("the first alternative that exists is taken, unless another one is there already", () => {
  assert.deepEqual(solved(["a"], { "a 1": "Depends: missing | b | c\n", "b 1": "", "c 1": "" }), ["a 1", "b 1"]);
  assert.deepEqual(solved(["c", "a"], { "a 1": "Depends: b | c\n", "b 1": "", "c 1": "" }), ["a 1", "c 1"]);
});

void test("provided names satisfy, versioned relations only by a versioned Provides", () => {
  assert.deepEqual(solved(["a"], { "a 1": "Depends: v (>= 2)\n", "p 1": "Provides: v\n", "q 1": "Provides: v (= 2)\n" }), ["a 1", "q 1"]);
});

void test("Recommends and Suggests are left out", () => {
  assert.deepEqual(solved(["a"], { "a 1": "Recommends: b\nSuggests: b\n", "b 1": "" }), ["a 1"]);
});

void test("what cannot be had is named with who needs it", () => {
  assert.throws(() => solved(["a"], { "a 1": "Depends: b (>= 2) | c\n", "b 1": "" }), {
    code: "E_TOOLCHAIN_UNSATISFIABLE",
    message: "no package satisfies b | c, needed by a",
  });
});
