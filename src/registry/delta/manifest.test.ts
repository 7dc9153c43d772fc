import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { DeltaError } from "../../formats/delta/errors.ts";
import { canonicalJson } from "../../formats/canonical-json.ts";
import { hash } from "node:crypto";
import type { ObjectId } from "../../store/object.ts";
import { manifestPath } from "../layout.ts";
import { readFrom } from "../stream.ts";
import type { ReleaseSource } from "../stream.ts";
import { applyManifestPatch, makeManifestPatch, manifestPatchPath, withManifestPatches } from "./manifest.ts";

const listed = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ object: hash("sha256", String(at)) as ObjectId, size: at * 13 })).sort((a, b) =>
    a.object < b.object ? -1 : 1,
  );
const old = listed(4000);
const manifest = Buffer.from(`${canonicalJson({ version: 1, objects: listed(4003).slice(2), name: "web" })}\n`);
const image = "a".repeat(64) as ObjectId;

/** A source of these files that counts what is read. */
function sourceOf(files: Readonly<Record<string, Buffer>>): ReleaseSource & { read: number } {
  const source = {
    address: "memory",
    read: 0,
    open: async (path: string) => {
      const bytes = files[path];
      if (bytes === undefined) return undefined;
      source.read += bytes.length;
      return (async function* () {
        yield bytes;
      })();
    },
  };
  return source;
}

void test("a manifest comes as a small difference from the list of what the machine has", async () => {
  const patch = await makeManifestPatch(old, manifest);
  assert.ok(patch !== undefined && patch.length < 1000, `${patch?.length} of ${manifest.length} bytes`);
  const source = sourceOf({ [manifestPatchPath(7, image)]: patch, [manifestPath(7)]: manifest });
  const patched = withManifestPatches(source, [{ image, objects: async () => old }]);
  assert.deepEqual(await readFrom(patched, manifestPath(7), 10_000_000), manifest);
  assert.equal(source.read, patch.length);
});

void test("a damaged difference, and one for another list, leave the whole manifest", async () => {
  const patch = (await makeManifestPatch(old, manifest))!;
  for (const damaged of [Buffer.from(patch).fill(0xff, 3, 9), patch.subarray(0, 20), Buffer.alloc(0)]) {
    const source = sourceOf({ [manifestPatchPath(7, image)]: damaged, [manifestPath(7)]: manifest });
    const patched = withManifestPatches(source, [{ image, objects: async () => old }]);
    assert.deepEqual(await readFrom(patched, manifestPath(7), 10_000_000), manifest);
  }
  const other = sourceOf({ [manifestPath(7)]: manifest });
  assert.deepEqual(await readFrom(withManifestPatches(other, []), manifestPath(7), 10_000_000), manifest);
});

void test("any bytes as a difference give an error of their own or some text", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (bytes) => {
      try {
        await applyManifestPatch(old.slice(0, 10), Buffer.from(bytes));
      } catch (error) {
        assert.ok(error instanceof DeltaError, String(error));
      }
    }),
    { numRuns: 300 },
  );
});

void test("a difference that makes something else is asked for once: the next answer is the whole manifest", async () => {
  const lie = (await makeManifestPatch(old, Buffer.from(manifest.toString().replace('"web"', '"bad"'))))!;
  const patched = withManifestPatches(sourceOf({ [manifestPatchPath(7, image)]: lie, [manifestPath(7)]: manifest }), [
    { image, objects: async () => old },
  ]);
  assert.notDeepEqual(await readFrom(patched, manifestPath(7), 10_000_000), manifest);
  assert.deepEqual(await readFrom(patched, manifestPath(7), 10_000_000), manifest);
});
