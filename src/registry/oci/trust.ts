/**
 * Who vouches for the releases of a repository: the files of `trust/`, as layers of one artifact under a tag of its own. The tag
 * moves with each release and each renewal; what it leads to is believed by its signatures alone.
 */
import { AshlarError } from "#errors";
import { currentTargets } from "../trust/folder.ts";
import { METADATA_MAX } from "../trust/layout.ts";
import type { TrustFile } from "../trust/place.ts";
import { addArtifact } from "./image.ts";
import { REF_NAME, addBlob, addToIndex, isLayout, layoutRepository } from "./layout.ts";
import type { Descriptor } from "./manifest.ts";
import { findManifest, readBlob } from "./repository.ts";
import type { OciRepository } from "./repository.ts";

export const TRUST_TAG = "ashlar-trust";
const TRUST_ARTIFACT = "application/vnd.ashlar.trust.v1";
const FILE_TYPE = "application/vnd.ashlar.trust.file.v1+json";
/** As for the other files of a release. */
const PATH = "ashlar.path";

/** Puts the files into a layout, in place of those that were there. */
export function exportTrust(layout: string, files: readonly TrustFile[]): Descriptor {
  const layers = files.map(({ path, bytes }) => ({ ...addBlob(layout, bytes, FILE_TYPE), annotations: { [PATH]: path } }));
  const artifact = addArtifact(layout, { type: TRUST_ARTIFACT, layers });
  addToIndex(layout, [{ ...artifact, annotations: { [REF_NAME]: TRUST_TAG } }]);
  return artifact;
}

/** Descriptors by path; none in a repository without. @throws E_OCI_* */
export async function trustFilesIn(repository: OciRepository): Promise<ReadonlyMap<string, Descriptor>> {
  const found = await findManifest(repository, TRUST_TAG).catch((error: unknown) => {
    if (error instanceof AshlarError && error.code === "E_OCI_NOT_FOUND") return undefined;
    throw error;
  });
  if (found === undefined || found.manifest.kind === "index" || found.manifest.artifactType !== TRUST_ARTIFACT) return new Map();
  return new Map(
    found.manifest.layers.flatMap((layer) => (layer.annotations?.[PATH] === undefined ? [] : [[layer.annotations[PATH], layer]])),
  );
}

/** Bytes of the current targets.json; undefined in a repository without. */
export async function targetsOfRepository(repository: OciRepository): Promise<Buffer | undefined> {
  const read = new Map<string, Buffer>();
  for (const [path, blob] of await trustFilesIn(repository))
    if (!path.endsWith(".root.json")) read.set(path, await readBlob(repository, blob, METADATA_MAX.targets));
  return currentTargets((path) => read.get(path), repository.address);
}

/** The same of a layout, which need not be there yet. */
export async function targetsOfLayout(folder: string): Promise<Buffer | undefined> {
  return isLayout(folder) ? targetsOfRepository(layoutRepository(folder)) : undefined;
}
