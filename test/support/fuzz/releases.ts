/** Parsers of what a registry, a mirror or a medium gives. */
import { brotliCompressSync, brotliDecompressSync, constants, zstdCompressSync } from "node:zlib";
import { applied, closeFramed, insideFramed, patchFramed } from "#formats/delta/framed.ts";
import { fileOf } from "#formats/delta/old-file.ts";
import { applyPatch, makePatches } from "#formats/delta/patch.ts";
import { openFrame } from "#formats/zstd/open-frame.ts";
import { readFrame } from "#formats/zstd/read-frame.ts";
import type { Image } from "#image/image.ts";
import { parseIndex, renderIndex } from "#registry/delta/index-file.ts";
import { applyManifestPatch, makeManifestPatch } from "#registry/delta/manifest.ts";
import { objectsOf } from "#registry/objects-of.ts";
import { parseManifest } from "#registry/oci/manifest.ts";
import { parseReference } from "#registry/oci/reference.ts";
import { parseRelease, renderRelease } from "#registry/release.ts";
import type { Store } from "#store/store.ts";
import { describe, manifestOf } from "../hostile-registry.ts";
import { linkProgram, someParts } from "../linked-program.ts";
import { noise } from "../release-fixture.ts";
import { UNPACKED_MAX, ofText } from "./parser.ts";
import type { Parser } from "./parser.ts";
import { trustParsers } from "./trust.ts";

const OLD = noise(3, 4000);
const NEW = Buffer.concat([OLD.subarray(0, 1500), noise(4, 300), OLD.subarray(1700)]);

const FRAME_AT = 40;
const FRAMED = framed();

export async function releaseParsers(image: Image, store: Store): Promise<Parser[]> {
  const release = { version: 1 as const, name: image.name, sequence: 7, image, objects: objectsOf(image, store) };
  const manifest = renderRelease(release);
  const patch = await makeManifestPatch(release.objects, manifest);
  const layer = describe(NEW);
  const oci = manifestOf(describe("{}", "application/vnd.oci.image.config.v1+json"), [layer, layer], { annotations: { a: "b" } });
  const index = renderIndex({
    version: 3,
    from: image.digest,
    extra: [image.digest],
    files: ["deltas/a/1.0", "packs/1"],
    packed: [{ place: 2, base: 1, size: 9000, how: "zstd" }],
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
    { name: "content of a frame of zstd", inputs: [FRAMED.old], read: (bytes) => readFrame(bytes, FRAME_AT, UNPACKED_MAX) },
    { name: "frame of zstd", inputs: [FRAMED.old], read: (bytes) => openFrame(bytes, FRAME_AT) },
    {
      name: "what makes a framed file",
      inputs: [FRAMED.inside],
      read: (bytes) => closeFramed(insideFramed(FRAMED.old, UNPACKED_MAX)!, () => fileOf([bytes]), FRAMED.size),
    },
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
  return applyPatch(parts, fileOf([OLD]), NEW.length);
}

/** A small file with a frame, and what is sent to make another one of it. */
function framed(): { readonly old: Buffer; readonly inside: Buffer; readonly size: number } {
  const parts = someParts(300);
  const text = Array.from({ length: 4000 }, (_, at) => `${(at * at) % 997} sheep and ${(at * 7919) % 1009} goats\n`);
  const file = (program: Buffer): Buffer =>
    Buffer.concat([Buffer.alloc(FRAME_AT, "-"), zstdCompressSync(Buffer.concat([program, Buffer.from(text.join(""))]))]);
  const [old, next] = [file(linkProgram(parts).file), file(linkProgram(parts.toSpliced(50, 0, { ...parts[7]!, name: "added" })).file)];
  const patch = patchFramed(old, next, { piece: UNPACKED_MAX, size: UNPACKED_MAX });
  if (patch === undefined) throw new Error("there is no frame");
  const inside = Buffer.alloc(patch.size);
  const { pieces } = patch;
  let made = fileOf([]);
  closeFramed(insideFramed(old, UNPACKED_MAX)!, (before) => (made = applied(pieces)(before)), next.length);
  made.read(0, inside);
  return { old, inside, size: next.length };
}
