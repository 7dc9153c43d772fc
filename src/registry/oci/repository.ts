/**
 * What images are read from: a registry's repository or an OCI layout folder, the same for both. The specification's
 * names; bytes are checked against their descriptors here, so that a repository only has to bring them.
 */
import { createHash } from "node:crypto";
import { AshlarError } from "#errors";
import type { OciErrorCode } from "./errors.ts";
import { OCI_MANIFEST_MAX, isIndexType, parseManifest } from "./manifest.ts";
import type { Descriptor, Index, Manifest } from "./manifest.ts";
import type { OciDigest } from "./reference.ts";

export interface FoundManifest {
  readonly digest: OciDigest;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

export interface OciRepository {
  /** For messages and records; parses as an address again. */
  readonly address: string;
  /** A manifest by tag or digest, unchecked; the default one when absent. Undefined when there is none. */
  find(reference: string | undefined): Promise<FoundManifest | undefined>;
  /** The bytes of a blob from byte `from`, as they come, unchecked. */
  open(descriptor: Descriptor, from: number, signal?: AbortSignal): Promise<AsyncIterable<Buffer>>;
  /** Manifests whose subject is `digest`. */
  referrers(digest: OciDigest): Promise<readonly Descriptor[]>;
}

export interface ResolvedImage {
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  readonly bytes: Buffer;
}

/** This host's, as OCI calls it. */
export const ARCHITECTURE = "amd64";

/**
 * An image manifest by tag or digest; of an index, the one for this architecture.
 * @throws E_OCI_NOT_FOUND, E_OCI_IMAGE, E_OCI_DIGEST, E_OCI_MANIFEST, E_OCI_AMBIGUOUS
 */
export async function resolveImage(repository: OciRepository, reference: string | undefined): Promise<ResolvedImage> {
  const found = await findManifest(repository, reference);
  if (found.manifest.kind === "manifest") return { ...found, manifest: found.manifest };
  const chosen = found.manifest.manifests.find(
    ({ platform }) => platform === undefined || (platform.os === "linux" && platform.architecture === ARCHITECTURE),
  );
  if (chosen === undefined)
    throw new AshlarError<OciErrorCode>("E_OCI_IMAGE", `${repository.address} has no image for linux/${ARCHITECTURE}`, {
      hint: "name an image that was made for this architecture",
      details: { address: repository.address },
    });
  const inner = await findManifest(repository, chosen.digest);
  if (inner.manifest.kind === "manifest") return { ...inner, manifest: inner.manifest };
  throw new AshlarError<OciErrorCode>("E_OCI_MANIFEST", `${repository.address}: ${chosen.digest} is an index in an index`, {
    hint: "name the image itself by its digest",
  });
}

/** A manifest or index, checked. @throws as {@link resolveImage} */
export async function findManifest(
  repository: OciRepository,
  reference: string | undefined,
): Promise<{ descriptor: Descriptor; manifest: Manifest | Index; bytes: Buffer }> {
  const found = await repository.find(reference);
  const where = `${repository.address}${reference === undefined ? "" : ` (${reference})`}`;
  if (found === undefined)
    throw new AshlarError<OciErrorCode>("E_OCI_NOT_FOUND", `${where} does not exist`, {
      hint: "check name and tag; `ashlar push` makes an image",
      details: { address: repository.address, reference },
    });
  const { bytes, mediaType } = found;
  const descriptor: Descriptor = { mediaType, digest: found.digest, size: bytes.length };
  const actual = sha256(bytes);
  if (actual !== found.digest) throw wrongDigest(where, descriptor, actual);
  const manifest = parseManifest(bytes, where);
  if (isIndexType(mediaType) !== (manifest.kind === "index"))
    throw new AshlarError<OciErrorCode>("E_OCI_AMBIGUOUS", `${where} is served as ${mediaType}, but is a ${manifest.kind}`, {
      hint: "do not use this image; nothing was changed",
    });
  return { descriptor, manifest, bytes };
}

/**
 * A whole small blob, checked.
 * @param limit bytes; a descriptor that announces more is refused before anything is read
 * @throws E_OCI_SIZE, E_OCI_DIGEST
 */
export async function readBlob(repository: OciRepository, descriptor: Descriptor, limit = OCI_MANIFEST_MAX): Promise<Buffer> {
  if (descriptor.size > limit) throw tooLarge(repository.address, descriptor, limit);
  return Buffer.concat(await Array.fromAsync(checkedBlob(repository, descriptor)));
}

/** The bytes of a blob; the last of them come only when size and digest of all are right. @throws E_OCI_SIZE, E_OCI_DIGEST */
export async function* checkedBlob(repository: OciRepository, descriptor: Descriptor, signal?: AbortSignal): AsyncGenerator<Buffer> {
  yield* checked(await repository.open(descriptor, 0, signal), descriptor, repository.address);
}

/** @param known what came before, when this is the rest of a blob */
export async function* checked(
  stream: AsyncIterable<Buffer>,
  descriptor: Descriptor,
  address: string,
  known: { readonly size: number; readonly hash: ReturnType<typeof createHash> } = { size: 0, hash: createHash("sha256") },
): AsyncGenerator<Buffer> {
  let { size } = known;
  let held: Buffer | undefined;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > descriptor.size) throw tooLarge(address, descriptor, descriptor.size);
    known.hash.update(chunk);
    if (held !== undefined) yield held;
    held = chunk;
  }
  if (size < descriptor.size)
    throw new AshlarError<OciErrorCode>("E_OCI_DIGEST", `${address}: blob ${descriptor.digest} has ${size} bytes, not ${descriptor.size}`, {
      hint: "run the command again; if that does not help, push the image again",
      details: { address, digest: descriptor.digest },
    });
  const actual = `sha256:${known.hash.digest("hex")}`;
  if (actual !== descriptor.digest) throw wrongDigest(address, descriptor, actual);
  if (held !== undefined) yield held;
}

/** sha256 in the notation of the specification. */
export function sha256(bytes: Uint8Array): OciDigest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}` as OciDigest;
}

function wrongDigest(where: string, { digest }: Descriptor, actual: string): AshlarError<OciErrorCode> {
  return new AshlarError("E_OCI_DIGEST", `${where}: what came as ${digest} has the digest ${actual}`, {
    hint: "behind a captive portal, log in first; else push the image again; nothing was changed",
    details: { where, digest },
  });
}

function tooLarge(where: string, { digest, size }: Descriptor, limit: number): AshlarError<OciErrorCode> {
  return new AshlarError(
    "E_OCI_SIZE",
    `${where}: blob ${digest} (${size} bytes announced) has more than the ${limit} bytes that it may have`,
    {
      hint: "push the image again; nothing was changed",
      details: { where, digest, limit },
    },
  );
}
