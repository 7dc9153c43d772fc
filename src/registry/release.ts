/**
 * Release: the signed statement that a machine may run an image. Everything a machine fetches is named in it by digest
 * and size. docs/formats/release.md is normative.
 */
import { AshlarError, messageOf } from "#errors";
import { canonicalJson } from "#formats/canonical-json.ts";
import { imageShape, nameShape } from "#formats/image-record.ts";
import { ShapeError, integer, list, literal, optional, record } from "#formats/shape.ts";
import type { Image } from "#image/image.ts";
import type { ObjectId } from "#store/object.ts";
import { objectIdShape } from "#store/shape.ts";
import type { RegistryErrorCode } from "./errors.ts";

export interface ReleaseObject {
  readonly object: ObjectId;
  /** Bytes, uncompressed. */
  readonly size: number;
}

export interface Release {
  readonly version: 1;
  /** The System's name: a machine takes only releases of its own name. */
  readonly name: string;
  /** Rises with every release of that name; a machine never takes a lower one than it has had. */
  readonly sequence: number;
  readonly image: Image;
  /** The composefs image, its external objects, kernel and initrd: once each, sorted by digest. */
  readonly objects: readonly ReleaseObject[];
  /** Seconds since 1970 after which no machine takes the release any more; absent: never. */
  readonly expires?: number;
}

/** Fits 300,000 objects; a full desktop has about 150,000. */
export const MANIFEST_MAX = 32 * 1024 * 1024;
const OBJECTS_MAX = 300_000;

const releaseShape = record({
  version: literal(1),
  name: nameShape,
  sequence: integer(1),
  image: imageShape(objectIdShape),
  objects: list(record({ object: objectIdShape, size: integer(0, 2 ** 40) }), OBJECTS_MAX),
  expires: optional(integer(0, 2 ** 40)),
});

/** The bytes that are signed: canonical JSON and a newline. */
export function renderRelease(release: Release): Buffer {
  return Buffer.from(`${canonicalJson(release)}\n`);
}

/**
 * Inverse of {@link renderRelease}; there is one text for one release, so that no two readers see different things in it.
 * @param address for messages
 * @throws E_RELEASE_MALFORMED
 */
export function parseRelease(bytes: Buffer, address: string): Release {
  const release = shaped(bytes, address);
  if (!renderRelease(release).equals(bytes)) throw malformed(address, "it is not canonical JSON");
  const { objects, image } = release;
  for (let at = 1; at < objects.length; at++)
    if ((objects[at - 1]?.object ?? "") >= (objects[at]?.object ?? ""))
      throw malformed(address, "its objects are not sorted, or not unique");
  const named = new Set(objects.map(({ object }) => object));
  const lacking = [image.digest, ...(image.kernel === undefined ? [] : [image.kernel.linux, image.kernel.initrd])].find(
    (id) => !named.has(id),
  );
  if (lacking !== undefined) throw malformed(address, `object ${lacking} of the image is not among its objects`);
  if (release.name !== image.name) throw malformed(address, `it names the system ${release.name}, its image ${image.name}`);
  return release;
}

function shaped(bytes: Buffer, address: string): Release {
  if (bytes.length > MANIFEST_MAX) throw malformed(address, `it is larger than ${MANIFEST_MAX} bytes`);
  try {
    return releaseShape(JSON.parse(bytes.toString("utf8")), "");
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ShapeError) throw malformed(address, messageOf(error), error);
    throw error;
  }
}

function malformed(address: string, why: string, cause?: unknown): AshlarError<RegistryErrorCode> {
  return new AshlarError("E_RELEASE_MALFORMED", `${address} is no release that this Ashlar can read: ${why}`, {
    cause,
    hint: "publish it again with `ashlar publish`; this machine is unchanged",
    details: { address },
  });
}
