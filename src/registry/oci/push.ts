/** A layout's image with all that hangs on it, into a registry: blobs, manifests by digest, and the tag last of all. */
import { readFileSync, statSync } from "node:fs";
import type { Step } from "#report/reporter.ts";
import type { Session } from "./answer.ts";
import { blobPath } from "./layout.ts";
import { parseManifest } from "./manifest.ts";
import type { Descriptor, Manifest } from "./manifest.ts";
import { listTags } from "./registry.ts";
import { hasBlob, putManifest, uploadBlob } from "./upload.ts";

export interface PushRequest {
  readonly layout: string;
  /** The image, and artifacts whose subject it is. */
  readonly image: Descriptor;
  readonly artifacts: readonly { readonly descriptor: Descriptor; readonly tag?: string }[];
  readonly tag: string;
  /** A repository of the same registry that has most of the blobs. */
  readonly mountFrom?: string;
}

export interface Pushed {
  readonly blobs: number;
  /** Blobs whose bytes had to travel. */
  readonly uploaded: number;
  /** Bytes that travelled. */
  readonly bytes: number;
}

/** Uploads at once. */
const PARALLEL = 3;

/**
 * Until the tag moves, which is the last request, the registry shows what it showed before.
 * @throws E_OCI_UNREACHABLE, E_OCI_UNAUTHORIZED, E_OCI_PROTOCOL
 */
export async function pushImage(session: Session, { layout, image, artifacts, tag, mountFrom }: PushRequest, step: Step): Promise<Pushed> {
  const manifests = [image, ...artifacts.map(({ descriptor }) => descriptor)].map((descriptor) => readManifest(layout, descriptor));
  const pushed = await pushBlobs(session, { layout, manifests, mountFrom }, step);
  const [first, ...rest] = manifests;
  if (first === undefined) throw new RangeError("an image without a manifest");
  await putManifest(session, first);
  for (const [at, each] of rest.entries()) {
    const subject = each.manifest.subject?.digest;
    await putManifest(session, { ...each, ...(subject === undefined ? {} : { subject }) });
    const name = artifacts[at]?.tag;
    if (name !== undefined) await putManifest(session, each, name);
  }
  await putManifest(session, first, tag);
  step.detail(`${pushed.uploaded} of ${pushed.blobs} blobs travelled`);
  return pushed;
}

/** One artifact alone, under a tag. */
export async function pushArtifact(
  session: Session,
  { layout, artifact, tag }: { readonly layout: string; readonly artifact: Descriptor; readonly tag: string },
  step: Step,
): Promise<void> {
  const read = readManifest(layout, artifact);
  await pushBlobs(session, { layout, manifests: [read], mountFrom: undefined }, step);
  await putManifest(session, read, tag);
}

interface Blobs {
  readonly layout: string;
  readonly manifests: readonly { readonly manifest: Manifest }[];
  readonly mountFrom: string | undefined;
}

async function pushBlobs(session: Session, { layout, manifests, mountFrom }: Blobs, step: Step): Promise<Pushed> {
  const blobs = [
    ...new Map(manifests.flatMap(({ manifest }) => [manifest.config, ...manifest.layers]).map((each) => [each.digest, each])).values(),
  ];
  const total = blobs.reduce((sum, { size }) => sum + size, 0);
  let [next, done, uploaded, bytes] = [0, 0, 0, 0];
  const worker = async (): Promise<void> => {
    for (let blob = blobs[next++]; blob !== undefined; blob = blobs[next++]) {
      const travelled =
        !(await hasBlob(session, blob.digest)) && (await uploadBlob(session, blob, blobPath(layout, blob.digest), mountFrom));
      if (travelled) [uploaded, bytes] = [uploaded + 1, bytes + blob.size];
      step.progress((done += blob.size), total, "bytes");
    }
  };
  // One alone first: a registry that wants a login is asked for it once.
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return { blobs: blobs.length, uploaded, bytes };
}

const RELEASE_TAG = /^release-([1-9][0-9]{0,8})$/;

/** One more than the highest release that a repository has had. */
export async function nextSequence(session: Session): Promise<number> {
  return 1 + Math.max(0, ...(await listTags(session)).map((tag) => Number(RELEASE_TAG.exec(tag)?.[1] ?? 0)));
}

function readManifest(layout: string, entry: Descriptor): { descriptor: Descriptor; bytes: Buffer; manifest: Manifest } {
  const path = blobPath(layout, entry.digest);
  const bytes = readFileSync(path);
  const manifest = parseManifest(bytes, path);
  if (manifest.kind === "index") throw new RangeError(`${path} is an index`);
  return { descriptor: { ...entry, size: statSync(path).size }, bytes, manifest };
}
