/**
 * An OCI image layout (https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md):
 *
 *   oci-layout               {"imageLayoutVersion":"1.0.0"}
 *   index.json               manifests: images by their tag, and what hangs on them
 *   blobs/sha256/<digest>    manifests, configurations, layers
 */
import { createReadStream, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { AshlarError } from "#errors";
import { canonicalJson } from "#formats/canonical-json.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import type { OciErrorCode } from "./errors.ts";
import { MEDIA, OCI_MANIFEST_MAX, parseManifest } from "./manifest.ts";
import type { Descriptor } from "./manifest.ts";
import type { OciDigest } from "./reference.ts";
import { sha256 } from "./repository.ts";
import type { FoundManifest, OciRepository } from "./repository.ts";

const LAYOUT_FILE = "oci-layout";
const INDEX_FILE = "index.json";
export const REF_NAME = "org.opencontainers.image.ref.name";

export function isLayout(folder: string): boolean {
  return existsSync(join(folder, LAYOUT_FILE));
}

/** Makes a folder a layout, or checks that it is one or empty. @throws E_OCI_LAYOUT */
export function createLayout(folder: string): void {
  mkdirSync(join(folder, "blobs/sha256"), { recursive: true });
  if (isLayout(folder)) return void readIndex(folder);
  if (existsSync(join(folder, INDEX_FILE))) throw noLayout(folder, "it has an index.json, but no oci-layout");
  writeFileAtomic(join(folder, INDEX_FILE), renderIndex([]));
  writeFileAtomic(join(folder, LAYOUT_FILE), `${canonicalJson({ imageLayoutVersion: "1.0.0" })}\n`);
}

export function blobPath(folder: string, digest: OciDigest): string {
  return join(folder, "blobs/sha256", digest.slice("sha256:".length));
}

/** Writes a small blob. */
export function addBlob(folder: string, bytes: Buffer, mediaType: string): Descriptor {
  const descriptor = { mediaType, digest: sha256(bytes), size: bytes.length };
  if (!existsSync(blobPath(folder, descriptor.digest))) writeFileAtomic(blobPath(folder, descriptor.digest), bytes);
  return descriptor;
}

/** Adds manifests to the index, in place of those with the same tag or digest. */
export function addToIndex(folder: string, added: readonly Descriptor[]): void {
  const named = (descriptor: Descriptor): string | undefined => descriptor.annotations?.[REF_NAME];
  const tags = new Set(added.flatMap((descriptor) => named(descriptor) ?? []));
  const digests = new Set(added.map(({ digest }) => digest));
  const kept = readIndex(folder).filter((each) => !digests.has(each.digest) && !tags.has(named(each) ?? ""));
  writeFileAtomic(join(folder, INDEX_FILE), renderIndex([...kept, ...added]));
}

/** A layout to read from; the address is its folder. @throws E_OCI_LAYOUT */
export function layoutRepository(given: string): OciRepository {
  const folder = resolve(given);
  if (!isLayout(folder)) throw noLayout(folder, "it has no oci-layout");
  return {
    address: folder,
    find: async (reference) => findInLayout(folder, reference),
    open: async (descriptor, from, signal) => {
      const path = blobPath(folder, descriptor.digest);
      if (!existsSync(path)) throw noLayout(folder, `blob ${descriptor.digest} is missing`);
      return createReadStream(path, { start: from, ...(signal === undefined ? {} : { signal }) });
    },
    referrers: async (digest) =>
      readIndex(folder).filter((descriptor) => {
        const found = descriptor.artifactType === undefined ? undefined : readManifest(folder, descriptor);
        return found !== undefined && subjectOf(found, folder) === digest;
      }),
  };
}

function findInLayout(folder: string, reference: string | undefined): FoundManifest | undefined {
  const entries = readIndex(folder);
  const images = entries.filter(({ artifactType }) => artifactType === undefined);
  const found =
    reference === undefined
      ? images.at(-1)
      : (entries.find(({ digest, annotations }) => digest === reference || annotations?.[REF_NAME] === reference) ??
        (/^sha256:[0-9a-f]{64}$/.test(reference) ? { digest: reference as OciDigest, mediaType: "", size: 0 } : undefined));
  const bytes = found === undefined ? undefined : readManifest(folder, found);
  if (found === undefined || bytes === undefined) return undefined;
  // A manifest that only another one names has no media type beside it.
  const mediaType = found.mediaType || (parseManifest(bytes, folder).kind === "index" ? MEDIA.index : MEDIA.manifest);
  return { digest: found.digest, mediaType, bytes };
}

function readManifest(folder: string, { digest }: Descriptor): Buffer | undefined {
  const path = blobPath(folder, digest);
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return undefined;
  if (size > OCI_MANIFEST_MAX) throw noLayout(folder, `manifest ${digest} has ${size} bytes`);
  return readFileSync(path);
}

function subjectOf(bytes: Buffer, folder: string): OciDigest | undefined {
  const manifest = parseManifest(bytes, folder);
  return manifest.kind === "manifest" ? manifest.subject?.digest : undefined;
}

/** The manifests of a layout, with their tags. @throws E_OCI_LAYOUT, E_OCI_MANIFEST */
function readIndex(folder: string): readonly Descriptor[] {
  const path = join(folder, INDEX_FILE);
  if (!existsSync(path)) throw noLayout(folder, `it has no ${INDEX_FILE}`);
  const index = parseManifest(readFileSync(path), path);
  if (index.kind !== "index") throw noLayout(folder, `${INDEX_FILE} is a manifest`);
  return index.manifests;
}

function renderIndex(manifests: readonly Descriptor[]): string {
  return `${canonicalJson({ schemaVersion: 2, mediaType: MEDIA.index, manifests })}\n`;
}

function noLayout(folder: string, why: string): AshlarError<OciErrorCode> {
  return new AshlarError("E_OCI_LAYOUT", `${folder} is no OCI image layout: ${why}`, {
    hint: "name a folder that `ashlar export --oci` or `skopeo copy` made, or a new one",
    details: { folder },
  });
}
