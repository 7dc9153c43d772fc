/**
 * The manifest of a release as a difference: most of it is the list of objects, and a machine can make the list of an image
 * that it has. What comes of it is checked by its signature like any other manifest.
 */
import { promisify } from "node:util";
import { brotliCompress, brotliDecompress, constants } from "node:zlib";
import { AshlarError } from "#errors";
import { canonicalJson } from "#formats/canonical-json.ts";
import { DeltaError } from "#formats/delta/errors.ts";
import { applyPatch, makePatches } from "#formats/delta/patch.ts";
import { putVarint, readVarints } from "#formats/delta/varint.ts";
import type { ObjectId } from "#store/object.ts";
import { sequenceOf } from "../layout.ts";
import type { ReleaseObject } from "../release.ts";
import { limited, readFrom, streamOf, withOpen } from "../stream.ts";
import type { ReleaseSource } from "../stream.ts";

/** Manifests above this travel whole. */
const PATCHED_MAX = 8 * 1024 * 1024;
const UNPACKED_MAX = 3 * PATCHED_MAX;

const [compress, decompress] = [promisify(brotliCompress), promisify(brotliDecompress)];

/** Path of the difference of a manifest from the list of an image's objects. */
export function manifestPatchPath(sequence: number, from: ObjectId): string {
  return `deltas/${from}/${sequence}.manifest`;
}

/** @returns undefined for a manifest that travels whole */
export async function makeManifestPatch(objects: readonly ReleaseObject[], manifest: Buffer): Promise<Buffer | undefined> {
  const [piece, second] = makePatches(baseOf(objects), manifest, PATCHED_MAX);
  if (piece === undefined || second !== undefined) return undefined;
  const sizes: number[] = [];
  for (const size of [piece.length, piece.steps.length, piece.changes.length, piece.fresh.length]) putVarint(sizes, size);
  return compress(Buffer.concat([Buffer.from(sizes), piece.steps, piece.changes, piece.fresh]), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11 },
  });
}

/** An image of the machine, with the list of its objects. */
export interface ListedImage {
  readonly image: ObjectId;
  readonly objects: () => Promise<readonly ReleaseObject[]>;
}

/**
 * A source whose manifests come as differences where there are some; everything else of it is as it was. Whoever asks a second time
 * was not pleased with the first answer, and gets the whole manifest: a difference that lies is no reason to go without a release.
 */
export function withManifestPatches(source: ReleaseSource, images: readonly ListedImage[]): ReleaseSource {
  const answered = new Set<number>();
  return withOpen(source, async (path, limit, signal, range) => {
    const sequence = sequenceOf(path);
    if (sequence === undefined || range !== undefined || answered.has(sequence)) return source.open(path, limit, signal, range);
    answered.add(sequence);
    const patched = await manifestBy(source, sequence, images, signal);
    return patched === undefined ? source.open(path, limit, signal) : limited(streamOf(patched), limit, `${source.address}/${path}`);
  });
}

async function manifestBy(
  source: ReleaseSource,
  sequence: number,
  images: readonly ListedImage[],
  signal: AbortSignal | undefined,
): Promise<Buffer | undefined> {
  for (const { image, objects } of images) {
    try {
      const patch = await readFrom(source, manifestPatchPath(sequence, image), PATCHED_MAX, signal);
      if (patch !== undefined) return await applyManifestPatch(await objects(), patch);
    } catch (error) {
      // The whole manifest is what counts; this was only to be shorter.
      if (!(error instanceof DeltaError || error instanceof AshlarError) || signal?.aborted === true) throw error;
    }
  }
  return undefined;
}

/** @throws DeltaError */
export async function applyManifestPatch(objects: readonly ReleaseObject[], patch: Buffer): Promise<Buffer> {
  const base = baseOf(objects);
  const numbers = readVarints(await unpacked(patch));
  const [length, steps, changes, fresh] = [numbers.next(), numbers.next(), numbers.next(), numbers.next()];
  if (length > PATCHED_MAX) throw new DeltaError(`a manifest of ${length} bytes`);
  const parts = { steps: numbers.take(steps), changes: numbers.take(changes), fresh: numbers.take(fresh) };
  return applyPatch(parts, { size: base.length, read: (place, into) => void base.copy(into, 0, place, place + into.length) }, length);
}

async function unpacked(patch: Buffer): Promise<Buffer> {
  try {
    return await decompress(patch, { maxOutputLength: UNPACKED_MAX });
  } catch (cause) {
    throw new DeltaError("a manifest's difference is damaged", { cause });
  }
}

/** As the list stands in a manifest. */
function baseOf(objects: readonly ReleaseObject[]): Buffer {
  return Buffer.from(canonicalJson(objects));
}
