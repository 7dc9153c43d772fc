/**
 * Manifests and indexes (https://github.com/opencontainers/image-spec/blob/v1.1.0/manifest.md, image-index.md), read from
 * anybody: unknown fields are passed over, known ones must be right, and one text is never two things.
 */
import { AshlarError, messageOf } from "#errors";
import { ShapeError, integer, list, map, string } from "#formats/shape.ts";
import type { Shape } from "#formats/shape.ts";
import type { OciErrorCode } from "./errors.ts";
import { parseDigest } from "./reference.ts";
import type { OciDigest } from "./reference.ts";

export const MEDIA = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
  empty: "application/vnd.oci.empty.v1+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerIndex: "application/vnd.docker.distribution.manifest.list.v2+json",
} as const;

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: OciDigest;
  /** Bytes. */
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: { readonly os: string; readonly architecture: string };
}

export interface Manifest {
  readonly kind: "manifest";
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Index {
  readonly kind: "index";
  readonly manifests: readonly Descriptor[];
}

/** Most bytes of a manifest or index: what registries accept, too. */
export const OCI_MANIFEST_MAX = 4 * 1024 * 1024;
const LAYERS_MAX = 4096;

/** @throws E_OCI_MANIFEST, E_OCI_AMBIGUOUS, E_DIGEST_SYNTAX */
export function parseManifest(bytes: Buffer, where: string): Manifest | Index {
  try {
    const value = fieldsOf(JSON.parse(bytes.toString("utf8")) as unknown, "");
    if (value["schemaVersion"] !== 2) throw new ShapeError(`schemaVersion: expected 2, got ${JSON.stringify(value["schemaVersion"])}`);
    const [isManifest, isIndex] = [value["layers"] !== undefined || value["config"] !== undefined, value["manifests"] !== undefined];
    const type = value["mediaType"];
    if (isManifest && isIndex) throw ambiguous(where, "it has layers and manifests");
    const told = type === undefined ? undefined : isIndexType(string(255)(type, "mediaType"));
    if (told !== undefined && told !== isIndex) throw ambiguous(where, `it says that it is ${String(type)}`);
    const descriptors = (key: string, max: number): readonly Descriptor[] => list(descriptorIn(where), max)(value[key], key);
    if (isIndex) return { kind: "index", manifests: descriptors("manifests", LAYERS_MAX) };
    return {
      kind: "manifest",
      ...(value["artifactType"] === undefined ? {} : { artifactType: string(255)(value["artifactType"], "artifactType") }),
      config: descriptorIn(where)(value["config"], "config"),
      layers: descriptors("layers", LAYERS_MAX),
      ...(value["subject"] === undefined ? {} : { subject: descriptorIn(where)(value["subject"], "subject") }),
      annotations: annotationsOf(value["annotations"]),
    };
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof ShapeError)) throw error;
    throw new AshlarError<OciErrorCode>("E_OCI_MANIFEST", `${where} is no manifest: ${messageOf(error)}`, {
      cause: error,
      hint: "push the image again, or name another one; nothing was changed",
      details: { where },
    });
  }
}

/** An object with any fields. @throws ShapeError */
export function fieldsOf(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ShapeError(`${path || "the whole value"}: expected an object`);
  return value as Readonly<Record<string, unknown>>;
}

export function isIndexType(mediaType: string): boolean {
  return mediaType === MEDIA.index || mediaType === MEDIA.dockerIndex;
}

function descriptorIn(where: string): Shape<Descriptor> {
  return (value, path) => {
    const fields = fieldsOf(value, path);
    const platform = fields["platform"] === undefined ? undefined : fieldsOf(fields["platform"], `${path}.platform`);
    return {
      mediaType: string(255)(fields["mediaType"], `${path}.mediaType`),
      digest: parseDigest(string(255)(fields["digest"], `${path}.digest`), `${where}: ${path}`),
      size: integer(0, 2 ** 44)(fields["size"], `${path}.size`),
      ...(fields["artifactType"] === undefined ? {} : { artifactType: string(255)(fields["artifactType"], `${path}.artifactType`) }),
      ...(fields["annotations"] === undefined ? {} : { annotations: annotationsOf(fields["annotations"]) }),
      ...(platform === undefined
        ? {}
        : {
            platform: {
              os: string(64)(platform["os"], `${path}.os`),
              architecture: string(64)(platform["architecture"], `${path}.architecture`),
            },
          }),
    };
  };
}

function annotationsOf(value: unknown): Readonly<Record<string, string>> {
  return value === undefined || value === null ? {} : map(string(64 * 1024))(value, "annotations");
}

function ambiguous(where: string, why: string): AshlarError<OciErrorCode> {
  return new AshlarError("E_OCI_AMBIGUOUS", `${where} could be read as a manifest and as an index: ${why}`, {
    hint: "nobody makes such an image by accident: do not use this one; nothing was changed",
    details: { where },
  });
}
