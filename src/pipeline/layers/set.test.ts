import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { LayerDeb, LayerFolder, LayerSet } from "#deployment/layers.ts";
import type { ObjectId } from "#store/object.ts";
import { NO_LAYERS, isEmpty, withMembers, withoutMembers } from "./set.ts";

const NAMES = ["ants", "bees", "cats", "dogs"] as const;
const object = (seed: string): ObjectId => Buffer.from(seed).toString("hex").padEnd(64, "0") as ObjectId;
const deb = (name: string): LayerDeb => ({ name, version: "1", architecture: "all", object: object(name), size: 1, sha256: object(name) });
const folder = (name: string): LayerFolder => ({ name, tree: object(name) });

const members = fc.record({
  packages: fc.subarray([...NAMES]),
  debs: fc.subarray(["eels", "frogs"]).map((names) => names.map(deb)),
  folders: fc.subarray(["site", "tools"]).map((names) => names.map(folder)),
});

test("a set does not tell in which order its members came", () => {
  fc.assert(
    fc.property(members, members, (one, other) => {
      assert.deepEqual(withMembers(withMembers(NO_LAYERS, one), other), withMembers(withMembers(NO_LAYERS, other), one));
    }),
  );
});

test("what is added and removed again was never there", () => {
  fc.assert(
    fc.property(members, members, (base, added) => {
      const before = withoutMembers(withMembers(NO_LAYERS, base), namesOf(added));
      assert.deepEqual(withoutMembers(withMembers(before, added), namesOf(added)), before);
    }),
  );
});

test("a file takes the place of the package of its name, and a package that of the file", () => {
  const named = withMembers(NO_LAYERS, { packages: ["ants"] });
  const filed = withMembers(named, { debs: [deb("ants")] });
  assert.deepEqual([filed.packages, filed.debs], [[], [deb("ants")]]);
  assert.deepEqual(withMembers(filed, { packages: ["ants"] }), named);
  assert.ok(isEmpty(withoutMembers(named, new Set(["ants"]))));
});

function namesOf({ packages, debs, folders }: LayerSet): Set<string> {
  return new Set([...packages, ...debs.map(({ name }) => name), ...folders.map(({ name }) => name)]);
}
