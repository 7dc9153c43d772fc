/** Parsers of what a registry, a mirror or a medium gives. */
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { applyPatch, makePatches } from "#formats/delta/patch.ts";
import type { Image } from "#image/image.ts";
import { parseIndex, renderIndex } from "#registry/delta/index-file.ts";
import { applyManifestPatch, makeManifestPatch } from "#registry/delta/manifest.ts";
import { objectsOf } from "#registry/objects-of.ts";
import { parseManifest } from "#registry/oci/manifest.ts";
import { parseReference } from "#registry/oci/reference.ts";
import { parseRelease, renderRelease } from "#registry/release.ts";
import type { Store } from "#store/store.ts";
import { describe, manifestOf } from "../hostile-registry.ts";
import { noise } from "../release-fixture.ts";
import { UNPACKED_MAX, ofText } from "./parser.ts";
import type { Parser } from "./parser.ts";
import { trustParsers } from "./trust.ts";

const OLD = noise(3, 4000);
const NEW = Buffer.concat([OLD.subarray(0, 1500), noise(4, 300), OLD.subarray(1700)]);

export async function releaseParsers(image: Image, store: Store): Promise<Parser[]> {
  const release = { version: 1 as const, name: image.name, sequence: 7, image, objects: objectsOf(image, store) };
  const manifest = renderRelease(release);
  const patch = await makeManifestPatch(release.objects, manifest);
  const layer = describe(NEW);
  const oci = manifestOf(describe("{}", "application/vnd.oci.image.config.v1+json"), [layer, layer], { annotations: { a: "b" } });
  const index = renderIndex({
    version: 2,
    from: image.digest,
    extra: [image.digest],
    files: ["deltas/a/1.0", "packs/1"],
    packed: [{ place: 2, size: 9000, how: "zstd" }],
    groups: [{ file: 1, at: 7, size: 900, pieces: [{ place: 0, base: 1, length: 4100, steps: 20, changes: 30, fresh: 300 }] }],
  });
  return [
    ...trustParsers(release, manifest),
    { name: "release", inputs: [manifest], read: (bytes) => parseRelease(bytes, "fuzz") },
    { name: "index of a difference", inputs: [index], read: parseIndex },
    { name: "index of a difference, unpacked", inputs: [brotliDecompressSync(index)], read: (bytes) => parseIndex(packed(bytes)) },
    {
      name: "difference of manifests",
      inputs: patch === undefined ? [] : [brotliDecompressSync(patch)],
      read: (bytes) => applyManifestPatch(release.objects, packed(bytes)),
    },
    { name: "patch", inputs: [patchBytes()], read: patched },
    { name: "OCI manifest", inputs: [Buffer.from(oci)], read: (bytes) => parseManifest(bytes, "fuzz") },
    {
      name: "OCI reference",
      inputs: [Buffer.from(`oci://registry.example:5000/team/web:1.2@sha256:${"a".repeat(64)}`)],
      read: ofText(parseReference),
    },
  ];
}

function packed(bytes: Buffer): Buffer {
  return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
}

/** Lengths of the first two parts, then all three. */
function patchBytes(): Buffer {
  const [piece] = makePatches(OLD, NEW, UNPACKED_MAX);
  if (piece === undefined) throw new Error("there is no difference");
  const head = Buffer.alloc(4);
  head.writeUInt16LE(piece.steps.length, 0);
  head.writeUInt16LE(piece.changes.length, 2);
  return Buffer.concat([head, piece.steps, piece.changes, piece.fresh]);
}

function patched(bytes: Buffer): Buffer {
  const [first, second] = bytes.length < 4 ? [0, 0] : [bytes.readUInt16LE(0), bytes.readUInt16LE(2)];
  const body = bytes.subarray(4);
  const parts = { steps: body.subarray(0, first), changes: body.subarray(first, first + second), fresh: body.subarray(first + second) };
  return applyPatch(parts, { size: OLD.length, read: (place, into) => void OLD.copy(into, 0, place) }, NEW.length);
}
