/** Deployment: one generation of one machine; `ashlar/deployments/000002.json`. docs/formats/deployment.md is normative. */
import { canonicalJson } from "#formats/canonical-json.ts";
import { imageShape } from "#formats/image-record.ts";
import { ShapeError, boolean, integer, list, literal, optional, record, string } from "#formats/shape.ts";
import type { Image } from "#image/image.ts";
import type { ObjectId } from "#store/object.ts";
import { objectIdShape } from "#store/shape.ts";
import { layersShape } from "./layers.ts";
import type { DeployedLayers } from "./layers.ts";

export interface Deployment {
  readonly version: 1;
  /** Rises, is never used twice. */
  readonly number: number;
  readonly image: Image;
  /** Address of the release's manifest, or "disk" for what the disk was made with. */
  readonly origin: string;
  /** Of the release it came from. */
  readonly sequence?: number;
  /** Nobody vouched for its release: somebody took it with `--unsafe-unsigned`. */
  readonly unsigned?: true;
  /** Of a generation that this machine composed itself: its image but for these parts, which are those of `from`. */
  readonly composedFrom?: { readonly base: ObjectId; readonly from: ObjectId; readonly parts: readonly string[] };
  /** Of a generation with packages or folders that were added on this machine. */
  readonly layers?: DeployedLayers;
  /** Pinned generations are not collected. */
  readonly pinned: boolean;
  /** Seconds since 1970 at which it was staged; for people, nothing is decided by it. */
  readonly created: number;
}

/** Six digits are what a boot entry has room for. */
const NUMBER_MAX = 999_999;
const ORIGIN_MAX = 4096;
const PART_MAX = 4200;
const PARTS_MAX = 256;
/** Records are about 1.5 kB. */
export const RECORD_MAX = 64 * 1024;

const isTrue = (value: unknown, path: string): true => {
  if (!boolean(value, path)) throw new ShapeError(`${path}: expected true, got false`);
  return true;
};

const deploymentShape = record({
  version: literal(1),
  number: integer(1, NUMBER_MAX),
  image: imageShape(objectIdShape),
  origin: string(ORIGIN_MAX),
  sequence: optional(integer(1)),
  unsigned: optional(isTrue),
  composedFrom: optional(record({ base: objectIdShape, from: objectIdShape, parts: list(string(PART_MAX), PARTS_MAX) })),
  layers: optional(layersShape),
  pinned: boolean,
  created: integer(0),
});

/** The record of generation 1 on a fresh disk. */
export function firstDeployment(image: Image): Deployment {
  return { version: 1, number: 1, image, origin: "disk", pinned: false, created: image.epoch };
}

/** A record's text; inverse of {@link parseDeployment}. */
export function renderDeployment(deployment: Deployment): string {
  return `${canonicalJson(deployment)}\n`;
}

/** @throws SyntaxError, ShapeError */
export function parseDeployment(text: string): Deployment {
  return deploymentShape(JSON.parse(text), "");
}
