/**
 * The release that hangs on an image: the manifest of docs/formats/release.md as it is, what no layer has as blobs, and
 * which layer has what. Only the manifest is vouched for (trust.ts): all else can at worst lead to bytes that do not fit.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AshlarError, messageOf } from "#errors";
import { canonicalJson } from "#formats/canonical-json.ts";
import { ShapeError, integer, list, literal, parsed, record } from "#formats/shape.ts";
import type { Reporter } from "#report/reporter.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import type { Tree } from "#tree/tree.ts";
import { objectsOf } from "../objects-of.ts";
import { writeDeltas } from "../delta/publish.ts";
import { MANIFEST_MAX, parseRelease, renderRelease } from "../release.ts";
import type { Release } from "../release.ts";
import type { OciErrorCode } from "./errors.ts";
import { addArtifact, addObjects, bootObjects } from "./image.ts";
import type { ExportedImage, ImageParts } from "./image.ts";
import { REF_NAME, addBlob, addToIndex } from "./layout.ts";
import type { Descriptor, Manifest } from "./manifest.ts";
import { releaseTag } from "./reference.ts";
import type { OciDigest } from "./reference.ts";
import { findManifest, readBlob, resolveImage } from "./repository.ts";
import type { OciRepository } from "./repository.ts";

const RELEASE_ARTIFACT = "application/vnd.ashlar.release.v1";
const MANIFEST_TYPE = "application/vnd.ashlar.release.manifest.v1+json";
const CONTENTS_TYPE = "application/vnd.ashlar.release.contents.v1+json";
/** A file of docs/formats/delta.md; {@link PATH} says which. */
export const DELTA_TYPE = "application/vnd.ashlar.delta.v1";
export const PATH = "ashlar.path";
const SEQUENCE = "ashlar.sequence";

export interface LayerContents {
  readonly layer: OciDigest;
  /** Bytes of the layer's tar. */
  readonly unpacked: number;
  /** Places in the release's list of objects. */
  readonly objects: readonly number[];
}

const contentsShape = record({
  version: literal(1),
  layers: list(
    record({
      layer: parsed((text) => (/^sha256:[0-9a-f]{64}$/.test(text) ? (text as OciDigest) : undefined), "a sha256 digest"),
      unpacked: integer(0, 2 ** 40),
      objects: list(integer(0, 2 ** 24), 300_000),
    }),
    4096,
  ),
});

export interface ReleaseRequest {
  readonly sequence: number;
  /** Releases that machines may have: there are differences from these. */
  readonly before?: readonly Release[];
}

export interface ExportedRelease {
  readonly release: Release;
  readonly manifest: Buffer;
  readonly artifact: Descriptor;
}

/** Makes an exported image a release, in the same layout. It counts once somebody vouches for its manifest. */
export async function exportRelease(
  layout: string,
  exported: ExportedImage,
  { image, tree, store, sequence, before = [] }: Pick<ImageParts, "image" | "tree" | "store"> & ReleaseRequest,
  report: Reporter,
): Promise<ExportedRelease> {
  const release: Release = { version: 1, name: image.name, sequence, image, objects: objectsOf(image, store) };
  const manifest = renderRelease(release);
  const contents = { version: 1, layers: contentsOf(release, exported, tree) };
  const artifact = addArtifact(layout, {
    type: RELEASE_ARTIFACT,
    subject: exported.descriptor,
    layers: [
      addBlob(layout, manifest, MANIFEST_TYPE),
      addBlob(layout, Buffer.from(canonicalJson(contents)), CONTENTS_TYPE),
      ...(await addObjects(layout, [image.digest, ...bootObjects({ image, tree })], store)),
      ...(await addDeltas(layout, release, { before, store, report })),
    ],
    annotations: { [SEQUENCE]: String(sequence) },
  });
  addToIndex(layout, [{ ...artifact, annotations: { ...artifact.annotations, [REF_NAME]: releaseTag(sequence) } }]);
  return { release, manifest, artifact };
}

/** Differences as blobs. From a release whose objects this host does not have any more, there is none. */
async function addDeltas(
  layout: string,
  release: Release,
  { before, store, report }: { readonly before: readonly Release[]; readonly store: Store; readonly report: Reporter },
): Promise<Descriptor[]> {
  const folder = mkdtempSync(join(layout, ".deltas-"));
  try {
    const possible = before.filter(({ objects }) => objects.every(({ object }) => store.has(object)));
    const paths = await writeDeltas({ folder, release, before: possible, store, report });
    return paths.map((path) => ({ ...addBlob(layout, readFileSync(join(folder, path)), DELTA_TYPE), annotations: { [PATH]: path } }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The releases under these tags, as far as they can be read; nothing of them is verified. */
export async function releasesUnder(repository: OciRepository, tags: readonly string[]): Promise<Release[]> {
  const found: Release[] = [];
  for (const tag of tags) {
    try {
      const { manifest } = await findManifest(repository, tag);
      const blob = manifest.kind === "index" ? undefined : manifest.layers.find(({ mediaType }) => mediaType === MANIFEST_TYPE);
      if (blob !== undefined) found.push(parseRelease(await readBlob(repository, blob, MANIFEST_MAX), `${repository.address} (${tag})`));
    } catch (error) {
      // Without it there is one difference less.
      if (!(error instanceof AshlarError)) throw error;
    }
  }
  return found;
}

/** Every object once, in the first layer that has it. */
function contentsOf(release: Release, { layers }: ExportedImage, tree: Tree): LayerContents[] {
  const places = new Map(release.objects.map(({ object }, place): [ObjectId, number] => [object, place]));
  return layers.flatMap(({ descriptor, unpacked, group }) => {
    const objects: number[] = [];
    for (const path of group.paths) {
      const node = tree.nodes.get(path);
      if (node?.kind !== "file" || !("object" in node.content)) continue;
      const place = places.get(node.content.object);
      if (place === undefined) continue;
      objects.push(place);
      places.delete(node.content.object);
    }
    return objects.length === 0 ? [] : [{ layer: descriptor.digest, unpacked, objects: objects.sort((a, b) => a - b) }];
  });
}

export interface FoundRelease {
  /** Of the image manifest. */
  readonly image: OciDigest;
  /** As the artifact says; what counts is in the manifest. */
  readonly sequence: number;
  readonly manifest: Buffer;
  /** The image's layers that have objects of the release. */
  readonly layers: readonly (LayerContents & { readonly descriptor: Descriptor })[];
  /** Of the artifact's own blobs. */
  readonly blobs: readonly Descriptor[];
}

/**
 * The release of an image, as it is there: nothing of it is verified yet.
 * @param sequence another one than that of the image that the repository's address names
 * @throws E_OCI_NOT_FOUND, E_OCI_RELEASE, E_OCI_DIGEST, E_OCI_SIZE
 */
export async function findRelease(repository: OciRepository, sequence?: number): Promise<FoundRelease> {
  const older = sequence === undefined ? undefined : await tagged(repository, sequence);
  const { descriptor, manifest: image } = await resolveImage(repository, older?.subject?.digest);
  const artifact = older ?? (await newestArtifact(repository, descriptor.digest, RELEASE_ARTIFACT));
  if (artifact === undefined)
    throw malformed(repository, "no release hangs on it", "push it with keys: ashlar push --keys DIR; the machine is unchanged");
  const blob = (type: string, limit: number): Promise<Buffer> => {
    const found = artifact.layers.find(({ mediaType }) => mediaType === type);
    if (found === undefined) throw malformed(repository, `its release has no ${type}`);
    return readBlob(repository, found, limit);
  };
  const manifest = await blob(MANIFEST_TYPE, MANIFEST_MAX);
  const { layers } = contentsIn(await blob(CONTENTS_TYPE, MANIFEST_MAX), repository);
  const byDigest = new Map(image.layers.map((layer) => [layer.digest, layer]));
  return {
    image: descriptor.digest,
    sequence: Number(artifact.annotations[SEQUENCE]) || 1,
    manifest,
    layers: layers.map((contents) => {
      const layer = byDigest.get(contents.layer);
      if (layer === undefined) throw malformed(repository, `its release names the layer ${contents.layer}, which the image does not have`);
      return { ...contents, descriptor: layer };
    }),
    blobs: artifact.layers,
  };
}

async function tagged(repository: OciRepository, sequence: number): Promise<Manifest> {
  const { manifest } = await findManifest(repository, releaseTag(sequence));
  if (manifest.kind === "index" || manifest.subject === undefined || manifest.artifactType !== RELEASE_ARTIFACT)
    throw malformed(repository, `${releaseTag(sequence)} is no release`);
  return manifest;
}

/** The artifact of a type that hangs on an image; of several releases, the one that says it is the latest. */
export async function newestArtifact(repository: OciRepository, subject: OciDigest, type: string): Promise<Manifest | undefined> {
  const found = (await repository.referrers(subject)).filter(({ artifactType }) => artifactType === type);
  const sequence = ({ annotations }: Descriptor): number => Number(annotations?.[SEQUENCE] ?? 0) || 0;
  const newest = found.reduce<Descriptor | undefined>(
    (best, each) => (best === undefined || sequence(each) >= sequence(best) ? each : best),
    undefined,
  );
  if (newest === undefined) return undefined;
  const { manifest } = await findManifest(repository, newest.digest);
  if (manifest.kind === "index" || manifest.subject?.digest !== subject || manifest.artifactType !== type)
    throw malformed(repository, `${newest.digest} does not belong to it`);
  return manifest;
}

function contentsIn(bytes: Buffer, repository: OciRepository): { layers: readonly LayerContents[] } {
  try {
    return contentsShape(JSON.parse(bytes.toString("utf8")), "");
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ShapeError) throw malformed(repository, messageOf(error));
    throw error;
  }
}

function malformed(
  { address }: OciRepository,
  why: string,
  hint = "push the image again; the machine is unchanged",
): AshlarError<OciErrorCode> {
  return new AshlarError("E_OCI_RELEASE", `${address} is no release that a machine can take: ${why}`, { hint, details: { address } });
}
