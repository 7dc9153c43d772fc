/**
 * An image as a source of releases: the release that hangs on it looks like a release folder with this one release, and
 * objects come out of the layers. What a tag leads to is looked up once; the address then names the digest.
 */
import { randomBytes } from "node:crypto";
import { closeSync, createWriteStream, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { AshlarError } from "#errors";
import { canonicalJson } from "#formats/canonical-json.ts";
import { verityDigest, verityDigestOfFile } from "#formats/fsverity.ts";
import { readTarStream } from "#formats/tar/stream.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import { FOLDER_FILE, FOLDER_FORMAT, manifestPath, objectPath, sequenceOf } from "../layout.ts";
import { parseRelease } from "../release.ts";
import type { ReleaseObject } from "../release.ts";
import { limited, streamOf, within } from "../stream.ts";
import type { BringOptions, ByteRange, ReleaseSource } from "../stream.ts";
import { OBJECT, OBJECT_TYPE } from "./image.ts";
import type { Descriptor } from "./manifest.ts";
import { layoutRepository } from "./layout.ts";
import { parseReference, renderReference } from "./reference.ts";
import { openSession, registryRepository } from "./registry.ts";
import type { RegistryOptions } from "./registry.ts";
import { DELTA_TYPE, PATH, findRelease } from "./release.ts";
import type { FoundRelease } from "./release.ts";
import { checkedBlob } from "./repository.ts";
import type { OciRepository } from "./repository.ts";
import { trustFilesIn } from "./trust.ts";
import { LAYER_MAX, unpacked } from "./unpack.ts";

/** Layers at once: hides the latency of a registry; memory is that of one object each. */
const PARALLEL = 3;
const IN_MEMORY_MAX = 4 * 1024 * 1024;

/** @throws E_OCI_REFERENCE, E_OCI_CREDENTIALS */
export function registrySource(address: string, options: RegistryOptions = {}): ReleaseSource {
  const reference = parseReference(address);
  const repository = registryRepository(openSession(reference, options), reference);
  return sourceOf(repository, ({ image }) => renderReference({ ...reference, digest: image }));
}

/** The last image that was put into a layout folder. @throws E_OCI_LAYOUT */
export function layoutSource(folder: string): ReleaseSource {
  return sourceOf(layoutRepository(folder));
}

/** @param pinned the address that always leads to what was found */
export function sourceOf(repository: OciRepository, pinned: (found: FoundRelease) => string = () => repository.address): ReleaseSource {
  let looked: Promise<FoundRelease> | undefined;
  let trust: ReturnType<typeof trustFilesIn> | undefined;
  let { address } = repository;
  const opened = (): Promise<FoundRelease> =>
    (looked ??= findRelease(repository).then((found) => {
      address = pinned(found);
      return found;
    }));
  return {
    get address() {
      return address;
    },
    names: async () => (await opened()).sequence,
    open: async (path, limit, signal, range) => {
      if (path.startsWith("trust/")) return openTrust(path, limit, signal);
      const sequence = sequenceOf(path);
      let found = await opened();
      if (sequence !== undefined && sequence !== found.sequence) {
        // A barrier on the way to what the tag names: from here on this source is that release.
        const other = await findRelease(repository, sequence).catch(ifNotFound);
        if (other === undefined) return undefined;
        looked = Promise.resolve((found = other));
        address = pinned(other);
      }
      const bytes = fileOf(path, found);
      if (bytes !== undefined) return limited(streamOf(bytes), limit, `${address}/${path}`);
      const blob = found.blobs.find(
        ({ mediaType, annotations = {} }) =>
          (mediaType === OBJECT_TYPE && objectPath(annotations[OBJECT] as ObjectId) === path) ||
          (mediaType === DELTA_TYPE && annotations[PATH] === path),
      );
      if (blob === undefined) return undefined;
      // Of a part there is no digest: what is made of it is known by its own.
      const stream = range === undefined ? checkedBlob(repository, blob, signal) : part(repository, blob, range, signal);
      return limited(stream, limit, `${address}/${path}`);
    },
    bring: async (objects, options) => bringFromLayers(repository, await opened(), objects, options),
  };

  async function openTrust(path: string, limit: number, signal: AbortSignal | undefined): Promise<AsyncIterable<Buffer> | undefined> {
    const blob = (await (trust ??= trustFilesIn(repository))).get(path);
    return blob === undefined ? undefined : limited(checkedBlob(repository, blob, signal), limit, `${address}/${path}`);
  }
}

function ifNotFound(error: unknown): undefined {
  if (!(error instanceof AshlarError) || error.code !== "E_OCI_NOT_FOUND") throw error;
}

function fileOf(path: string, { manifest, sequence }: FoundRelease): Buffer | undefined {
  switch (path) {
    case FOLDER_FILE:
      return Buffer.from(canonicalJson({ format: FOLDER_FORMAT, version: 1 }));
    case manifestPath(sequence):
      return manifest;
    default:
      return undefined;
  }
}

async function* part(
  repository: OciRepository,
  blob: Descriptor,
  range: ByteRange,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  if (range.to > blob.size) return;
  yield* within(await repository.open(blob, range.from, signal), range.from, range);
}

async function bringFromLayers(
  repository: OciRepository,
  found: FoundRelease,
  objects: readonly ReleaseObject[],
  options: BringOptions,
): Promise<readonly ReleaseObject[]> {
  // The list that places count in; whoever asks for objects has verified these bytes.
  const release = parseRelease(found.manifest, repository.address);
  const wanted = new Map(objects.map(({ object, size }) => [object, size]));
  const jobs = found.layers.flatMap((layer) => {
    const here = new Map<ObjectId, number>();
    for (const place of layer.objects) {
      const { object } = release.objects[place] ?? {};
      const size = object === undefined ? undefined : wanted.get(object);
      if (object !== undefined && size !== undefined) here.set(object, size);
    }
    return here.size === 0 ? [] : [{ layer, here }];
  });
  const brought = new Set<ObjectId>();
  const stop = new AbortController();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let job = jobs[next++]; job !== undefined && !stop.signal.aborted; job = jobs[next++])
      for (const object of await bringFromLayer(repository, job.layer, job.here, options, stop.signal)) brought.add(object);
  };
  await Promise.all(
    Array.from({ length: Math.min(PARALLEL, jobs.length) }, () =>
      worker().catch((error: unknown) => {
        // Only the first failure is the reason; the others fail because of this.
        if (!stop.signal.aborted) stop.abort(error);
      }),
    ),
  );
  stop.signal.throwIfAborted();
  return objects.filter(({ object }) => !brought.has(object));
}

/** Reads a layer until everything that is wanted of it has come. */
async function bringFromLayer(
  repository: OciRepository,
  { descriptor, unpacked: size }: FoundRelease["layers"][number],
  wanted: ReadonlyMap<ObjectId, number>,
  { store, onBytes }: BringOptions,
  signal: AbortSignal,
): Promise<ObjectId[]> {
  const left = new Map(wanted);
  const tar = unpacked(checkedBlob(repository, descriptor, signal), descriptor, Math.min(size, LAYER_MAX));
  for await (const { entry, size: bytes, content } of readTarStream(tar)) {
    if (entry.type !== "file" || ![...left.values()].includes(bytes)) continue;
    const object = await addWanted(store, content, bytes, left);
    if (object === undefined) continue;
    left.delete(object);
    onBytes(bytes);
    if (left.size === 0) break;
  }
  return [...wanted.keys()].filter((object) => !left.has(object));
}

/** Content gets into the store only when it is one of the wanted objects. */
async function addWanted(
  store: Store,
  content: AsyncIterable<Buffer>,
  size: number,
  wanted: ReadonlyMap<ObjectId, number>,
): Promise<ObjectId | undefined> {
  const known = (digest: string): ObjectId | undefined => (wanted.has(digest as ObjectId) ? (digest as ObjectId) : undefined);
  if (size <= IN_MEMORY_MAX) {
    const bytes = Buffer.concat(await Array.fromAsync(content));
    const object = known(verityDigest(bytes));
    if (object !== undefined) store.add(bytes);
    return object;
  }
  const aside = join(store.root, "tmp", `oci-${randomBytes(8).toString("hex")}`);
  try {
    await pipeline(content, createWriteStream(aside, { flags: "wx" }));
    const fd = openSync(aside, "r");
    let object: ObjectId | undefined;
    try {
      object = known(verityDigestOfFile(fd, size));
    } finally {
      closeSync(fd);
    }
    if (object !== undefined) await store.addFiles([{ path: aside, size }], { move: true });
    return object;
  } finally {
    rmSync(aside, { force: true });
  }
}
