/** Images, back from their layers: with the record that hangs on those that Ashlar made, or the bare tree of one that others made. */
import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import { AshlarError, messageOf } from "#errors";
import type { ByteString } from "#formats/bytes.ts";
import { imageShape } from "#formats/image-record.ts";
import { ShapeError, list, string } from "#formats/shape.ts";
import type { Image } from "#image/image.ts";
import type { Step } from "#report/reporter.ts";
import { parseObjectId } from "#store/object.ts";
import type { ObjectId } from "#store/object.ts";
import { objectIdShape } from "#store/shape.ts";
import type { Store } from "#store/store.ts";
import type { Tree } from "#tree/tree.ts";
import type { OciErrorCode } from "./errors.ts";
import { IMAGE_ARTIFACT, LOCK_TYPE, OBJECT, OBJECT_SIZE, OBJECT_TYPE, RECORD_TYPE, SYSTEM_TYPE } from "./image.ts";
import { fieldsOf } from "./manifest.ts";
import type { Descriptor, Manifest } from "./manifest.ts";
import type { OciDigest } from "./reference.ts";
import { newestArtifact } from "./release.ts";
import { readBlob, resolveImage } from "./repository.ts";
import type { OciRepository } from "./repository.ts";
import { treeOfLayers } from "./tree.ts";
import type { LayerSource } from "./tree.ts";

export interface ImportedImage {
  readonly image: Image;
  readonly tree: Tree;
  /** Objects of the store, as in a build's record. */
  readonly system: ObjectId;
  readonly lock: ObjectId;
}

const JSON_MAX = 32 * 1024 * 1024;
/** An initrd or kernel, unpacked. */
const OBJECT_MAX = 1024 ** 3;

const decompress = promisify(zstdDecompress);

export interface ImportableImage {
  readonly digest: OciDigest;
  readonly manifest: Manifest;
  /** What hangs on an image that Ashlar made; undefined for those of others. */
  readonly artifact: Manifest | undefined;
}

/** Looks an image up, once. @throws E_OCI_* */
export async function findImage(repository: OciRepository): Promise<ImportableImage> {
  const { descriptor, manifest } = await resolveImage(repository, undefined);
  return { digest: descriptor.digest, manifest, artifact: await newestArtifact(repository, descriptor.digest, IMAGE_ARTIFACT) };
}

/**
 * The files of an image that others made: those that describe a machine, without what the kernel or a container engine
 * puts into folders of its own.
 * @param mtime seconds since 1970 of every inode
 * @throws E_OCI_*, E_TAR_*, E_XATTR_FORBIDDEN
 */
export async function importTree(
  repository: OciRepository,
  { manifest }: ImportableImage,
  options: { readonly mtime: number; readonly store: Store; readonly step: Step; readonly skip: (path: ByteString) => boolean },
): Promise<Tree> {
  return treeOfLayers(repository, await layersOf(repository, manifest), options);
}

/**
 * Everything of an image that Ashlar made into a store. Whether the tree is the image is for the caller to see: only its
 * digest says so.
 * @throws E_OCI_*, E_TAR_*, E_XATTR_FORBIDDEN
 */
export async function importImage(
  repository: OciRepository,
  { manifest, artifact }: ImportableImage,
  store: Store,
  step: Step,
): Promise<ImportedImage> {
  if (artifact === undefined)
    throw new AshlarError<OciErrorCode>("E_OCI_IMAGE", `${repository.address} was not made by Ashlar: no record of an image hangs on it`, {
      hint: "`ashlar import ADDRESS CONFIG` makes a machine of an image of others",
      details: { address: repository.address },
    });
  const blob = (type: string): Promise<Buffer> => readBlob(repository, onlyOf(artifact, type, repository), JSON_MAX);
  const image = recordIn(await blob(RECORD_TYPE), repository);
  const layers = await layersOf(repository, manifest);
  const tree = await treeOfLayers(repository, layers, { mtime: image.epoch, store, step });
  for (const each of artifact.layers) if (each.mediaType === OBJECT_TYPE) await addObject(repository, each, store);
  for (const object of image.kernel === undefined ? [] : [image.kernel.linux, image.kernel.initrd])
    if (!store.has(object)) throw notTheImage(repository.address, image, object);
  return { image, tree, system: store.add(await blob(SYSTEM_TYPE)), lock: store.add(await blob(LOCK_TYPE)) };
}

/** The layers with the digests of what they unpack to. @throws E_OCI_MANIFEST */
async function layersOf(repository: OciRepository, { config, layers }: Manifest): Promise<LayerSource[]> {
  const bytes = await readBlob(repository, config);
  const ids = shaped(repository, "its configuration", () => {
    const { diff_ids: given } = fieldsOf(fieldsOf(JSON.parse(bytes.toString("utf8")) as unknown, "")["rootfs"], "rootfs");
    return list(string(80, /^sha256:[0-9a-f]{64}$/), 4096)(given, "rootfs.diff_ids");
  });
  if (ids.length !== layers.length)
    throw new AshlarError<OciErrorCode>(
      "E_OCI_MANIFEST",
      `${repository.address} has ${layers.length} layers, its configuration ${ids.length}`,
      {
        hint: "do not use this image; nothing was changed",
      },
    );
  return layers.map((descriptor, at) => ({ descriptor, diffId: ids[at] ?? "" }));
}

async function addObject(repository: OciRepository, descriptor: Descriptor, store: Store): Promise<void> {
  const object = parseObjectId(descriptor.annotations?.[OBJECT] ?? "");
  const size = Number(descriptor.annotations?.[OBJECT_SIZE]);
  if (object === undefined || !Number.isSafeInteger(size) || size < 0 || size > OBJECT_MAX) throw wrongObject(repository, descriptor);
  if (store.has(object)) return;
  const packed = await readBlob(repository, descriptor, OBJECT_MAX);
  const content = await decompress(packed, { maxOutputLength: size + 1 }).catch((error: unknown) => {
    throw wrongObject(repository, descriptor, error);
  });
  if (content.length !== size || store.add(content) !== object) throw wrongObject(repository, descriptor);
}

function wrongObject({ address }: OciRepository, { digest }: Descriptor, cause?: unknown): AshlarError<OciErrorCode> {
  return new AshlarError("E_OCI_DIGEST", `${address}: blob ${digest} is not the object that it is said to be`, {
    cause,
    hint: "push the image again; nothing was changed",
  });
}

/** The layers, or what hangs on them, are not what the image's record names. */
export function notTheImage(address: string, image: Image, found: string): AshlarError<OciErrorCode> {
  return new AshlarError("E_OCI_IMAGE", `${address} is not image ${image.digest} that its record names: ${found} does not belong to it`, {
    hint: "do not use this image, or push it again; nothing was changed",
    details: { address, image: image.digest, found },
  });
}

function onlyOf({ layers }: Manifest, type: string, { address }: OciRepository): Descriptor {
  const found = layers.find(({ mediaType }) => mediaType === type);
  if (found !== undefined) return found;
  throw new AshlarError<OciErrorCode>("E_OCI_IMAGE", `${address}: the record of the image has no ${type}`, {
    hint: "push the image again",
  });
}

function recordIn(bytes: Buffer, repository: OciRepository): Image {
  return shaped(repository, "the record of the image", () => imageShape(objectIdShape)(JSON.parse(bytes.toString("utf8")), ""));
}

function shaped<T>({ address }: OciRepository, what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof ShapeError)) throw error;
    throw new AshlarError<OciErrorCode>("E_OCI_MANIFEST", `${address}: ${what} is malformed: ${messageOf(error)}`, {
      cause: error,
      hint: "push the image again; nothing was changed",
    });
  }
}
