/** A registry's image with all that hangs on it, into a layout; what is there is not fetched again, what broke off goes on. */
import { createHash } from "node:crypto";
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Step } from "#report/reporter.ts";
import { AshlarError } from "#errors";
import { writeAll } from "#sys/write-all.ts";
import { REF_NAME, addBlob, addToIndex, blobPath, createLayout } from "./layout.ts";
import { MEDIA } from "./manifest.ts";
import type { Descriptor, Manifest } from "./manifest.ts";
import { checked, findManifest, resolveImage } from "./repository.ts";
import type { OciRepository } from "./repository.ts";
import { TRUST_TAG } from "./trust.ts";

export interface Pulled {
  /** Of the image manifest. */
  readonly image: Descriptor;
  /** Media types of the artifacts that came along. */
  readonly artifacts: readonly string[];
  /** Bytes that travelled. */
  readonly bytes: number;
}

/** More things than this hang on no image. */
const REFERRERS_MAX = 64;

/**
 * @param tag under which the image is in the layout
 * @throws E_OCI_* ; what has arrived stays
 */
export async function pullImage(repository: OciRepository, layout: string, tag: string, step: Step): Promise<Pulled> {
  createLayout(layout);
  const image = await resolveImage(repository, undefined);
  const artifacts: { descriptor: Descriptor; manifest: Manifest; bytes: Buffer }[] = [];
  for (const referrer of (await repository.referrers(image.descriptor.digest)).slice(0, REFERRERS_MAX)) {
    const found = await findManifest(repository, referrer.digest);
    if (found.manifest.kind === "manifest" && found.manifest.subject?.digest === image.descriptor.digest)
      artifacts.push({ ...found, manifest: found.manifest, descriptor: { ...referrer, size: found.bytes.length } });
  }
  const trust = await findManifest(repository, TRUST_TAG).catch((error: unknown) => {
    if (error instanceof AshlarError && error.code === "E_OCI_NOT_FOUND") return undefined;
    throw error;
  });
  if (trust?.manifest.kind === "manifest") {
    const artifactType = trust.manifest.artifactType ?? MEDIA.empty;
    artifacts.push({
      ...trust,
      manifest: trust.manifest,
      descriptor: { ...trust.descriptor, artifactType, annotations: { [REF_NAME]: TRUST_TAG } },
    });
  }
  const all = [image, ...artifacts];
  const blobs = [
    ...new Map(all.flatMap(({ manifest }) => [manifest.config, ...manifest.layers]).map((each) => [each.digest, each])).values(),
  ];
  const total = blobs.reduce((sum, { size }) => sum + size, 0);
  let [done, bytes] = [0, 0];
  for (const blob of blobs) {
    bytes += await fetchBlob(repository, layout, blob);
    step.progress((done += blob.size), total, "bytes");
  }
  for (const { bytes: manifest, descriptor } of all) addBlob(layout, manifest, descriptor.mediaType);
  addToIndex(layout, [{ ...image.descriptor, annotations: { [REF_NAME]: tag } }, ...artifacts.map(({ descriptor }) => descriptor)]);
  return { image: image.descriptor, artifacts: artifacts.map(({ manifest }) => manifest.artifactType ?? ""), bytes };
}

/** @returns bytes that travelled */
async function fetchBlob(repository: OciRepository, layout: string, descriptor: Descriptor): Promise<number> {
  const path = blobPath(layout, descriptor.digest);
  if (existsSync(path)) return 0;
  const aside = join(dirname(dirname(path)), `.partial-${descriptor.digest.slice("sha256:".length)}`);
  const fd = openSync(aside, "a+");
  try {
    const known = measured(fd, Math.min(statSync(aside).size, descriptor.size));
    const from = known.size;
    ftruncateSync(fd, from);
    let at = from;
    try {
      const stream = from === descriptor.size ? nothing() : await repository.open(descriptor, from);
      for await (const chunk of checked(stream, descriptor, repository.address, known)) {
        writeAll(fd, chunk);
        at += chunk.length;
      }
    } catch (error) {
      // Bytes that are wrong must not be the beginning of the next attempt.
      if (["E_OCI_DIGEST", "E_OCI_SIZE"].includes((error as { code?: string }).code ?? "")) rmSync(aside, { force: true });
      throw error;
    }
    fsyncSync(fd);
    renameSync(aside, path);
    return at - from;
  } finally {
    closeSync(fd);
  }
}

function measured(fd: number, size: number): { size: number; hash: ReturnType<typeof createHash> } {
  const hash = createHash("sha256");
  const buffer = Buffer.alloc(1024 * 1024);
  let at = 0;
  while (at < size) {
    const count = readSync(fd, buffer, 0, Math.min(buffer.length, size - at), at);
    if (count === 0) break;
    hash.update(buffer.subarray(0, count));
    at += count;
  }
  return { size: at, hash };
}

async function* nothing(): AsyncGenerator<Buffer> {}
