/**
 * An image of Ashlar as an OCI image: layers that any container engine unpacks, and what hangs on it (docs/formats/oci.md):
 *
 *   image manifest ◀─subject─ image artifact     record.json, system.json, lock.json, initrd
 *                  ◀─subject─ release artifact   release.ts
 */
import { promisify } from "node:util";
import { zstdCompress } from "node:zlib";
import { canonicalJson } from "#formats/canonical-json.ts";
import type { Image } from "#image/image.ts";
import type { Step } from "#report/reporter.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import type { Tree } from "#tree/tree.ts";
import { REST, groupPaths } from "./groups.ts";
import type { Group } from "./groups.ts";
import { writeLayer } from "./layer.ts";
import type { WrittenLayer } from "./layer.ts";
import { REF_NAME, addBlob, addToIndex, createLayout } from "./layout.ts";
import { MEDIA } from "./manifest.ts";
import type { Descriptor } from "./manifest.ts";
import { ARCHITECTURE } from "./repository.ts";

export const IMAGE_ARTIFACT = "application/vnd.ashlar.image.v1";
export const RECORD_TYPE = "application/vnd.ashlar.image.record.v1+json";
export const SYSTEM_TYPE = "application/vnd.ashlar.image.system.v1+json";
export const LOCK_TYPE = "application/vnd.ashlar.image.lock.v1+json";
/** One object of the store, by its digest in the annotation {@link OBJECT}. */
export const OBJECT_TYPE = "application/vnd.ashlar.object.v1+zstd";
export const OBJECT = "ashlar.object";
export const OBJECT_SIZE = "ashlar.size";
/** fs-verity digest of the composefs image that the layers unpack to. */
const COMPOSEFS_LABEL = "ashlar.composefs";

export interface ExportedImage {
  /** Of the image manifest. */
  readonly descriptor: Descriptor;
  readonly layers: readonly ExportedLayer[];
  /** Of the artifact that hangs on it. */
  readonly artifact: Descriptor;
}

export interface ExportedLayer extends WrittenLayer {
  readonly group: Group;
}

export interface ImageParts {
  readonly image: Image;
  readonly tree: Tree;
  /** Canonical JSON of the System and of the Lock. */
  readonly system: ObjectId;
  readonly lock: ObjectId;
  readonly store: Store;
}

const compress = promisify(zstdCompress);

/**
 * Writes an image into a layout under a tag. The same image gives the same bytes; blobs that are there stay as they are.
 * @throws E_OCI_TREE, E_OCI_LAYOUT
 */
export async function exportImage(layout: string, tag: string, parts: ImageParts, step: Step): Promise<ExportedImage> {
  createLayout(layout);
  const { image, tree, store } = parts;
  const layers: ExportedLayer[] = [];
  const groups = groupPaths(tree, (object) => store.read(object));
  for (const group of groups) {
    layers.push({ group, ...(await writeLayer(layout, { tree, paths: group.paths, read: (object) => store.read(object) })) });
    step.progress(layers.length, groups.length, "steps");
  }
  const config = addBlob(layout, Buffer.from(canonicalJson(configOf(image, layers))), MEDIA.config);
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA.manifest,
    config,
    layers: layers.map(({ descriptor }) => descriptor),
    annotations: { [COMPOSEFS_LABEL]: image.digest, "org.opencontainers.image.created": isoTime(image.epoch) },
  };
  const descriptor = addBlob(layout, Buffer.from(canonicalJson(manifest)), MEDIA.manifest);
  const artifact = addArtifact(layout, {
    type: IMAGE_ARTIFACT,
    subject: descriptor,
    layers: [
      addBlob(layout, Buffer.from(canonicalJson(image)), RECORD_TYPE),
      addBlob(layout, store.read(parts.system), SYSTEM_TYPE),
      addBlob(layout, store.read(parts.lock), LOCK_TYPE),
      ...(await addObjects(layout, bootObjects(parts), store)),
    ],
  });
  const platform = { os: "linux", architecture: ARCHITECTURE };
  addToIndex(layout, [{ ...descriptor, platform, annotations: { [REF_NAME]: tag } }, artifact]);
  return { descriptor, layers, artifact };
}

/** Kernel and initrd, as far as they are no files of the tree. */
export function bootObjects({ image, tree }: Pick<ImageParts, "image" | "tree">): ObjectId[] {
  if (image.kernel === undefined) return [];
  const inTree = new Set(
    [...tree.nodes.values()].flatMap((node) => (node.kind === "file" && "object" in node.content ? [node.content.object] : [])),
  );
  return [image.kernel.linux, image.kernel.initrd].filter((object) => !inTree.has(object));
}

/** Objects of the store as blobs of their own. */
export async function addObjects(layout: string, objects: readonly ObjectId[], store: Store): Promise<Descriptor[]> {
  const added: Descriptor[] = [];
  for (const object of objects) {
    const content = store.read(object);
    const annotations = { [OBJECT]: object, [OBJECT_SIZE]: String(content.length) };
    added.push({ ...addBlob(layout, await compress(content), OBJECT_TYPE), annotations });
  }
  return added;
}

export interface Artifact {
  readonly type: string;
  readonly subject?: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Writes an artifact manifest (image-spec 1.1, "Guidelines for Artifact Usage"). @returns its entry for indexes */
export function addArtifact(layout: string, { type, subject, layers, annotations }: Artifact): Descriptor {
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA.manifest,
    artifactType: type,
    config: addBlob(layout, Buffer.from("{}"), MEDIA.empty),
    layers,
    ...(subject === undefined ? {} : { subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size } }),
    ...(annotations === undefined ? {} : { annotations }),
  };
  const descriptor = addBlob(layout, Buffer.from(canonicalJson(manifest)), MEDIA.manifest);
  return { ...descriptor, artifactType: type, ...(annotations === undefined ? {} : { annotations }) };
}

/** https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md */
function configOf(image: Image, layers: readonly ExportedLayer[]): unknown {
  const created = isoTime(image.epoch);
  return {
    architecture: ARCHITECTURE,
    os: "linux",
    created,
    config: {
      Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      Cmd: ["/bin/sh"],
      Labels: { [COMPOSEFS_LABEL]: image.digest, "ashlar.name": image.name, "ashlar.lock": image.lock, "ashlar.config": image.config },
    },
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ group }) => ({
      created,
      created_by: `ashlar: ${group.name === REST ? "config and generated files" : group.name}`,
    })),
  };
}

function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}
