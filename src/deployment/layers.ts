/**
 * Layers in a generation's record: what somebody wants on top of the released image, and what became of it. The set is the
 * truth; the generation's image is derived from it and the base, and derived again when the base changes.
 */
import { canonicalJson } from "#formats/canonical-json.ts";
import { parseDumpfile } from "#formats/composefs/dumpfile-parse.ts";
import { imageShape } from "#formats/image-record.ts";
import { integer, list, record, string } from "#formats/shape.ts";
import type { Image } from "#image/image.ts";
import { parseObjectId } from "#store/object.ts";
import type { ObjectId } from "#store/object.ts";
import { objectIdShape } from "#store/shape.ts";
import type { Store } from "#store/store.ts";

/** A package as a file; the file itself is an object of the store. */
export interface LayerDeb {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly object: ObjectId;
  readonly size: number;
  readonly sha256: string;
}

export interface LayerFolder {
  /** Its last part is what the folder was called; for people. */
  readonly name: string;
  /** The dump of its tree. */
  readonly tree: ObjectId;
}

/** In canonical order: packages and debs by name, folders by tree, each once. */
export interface LayerSet {
  readonly packages: readonly string[];
  readonly debs: readonly LayerDeb[];
  readonly folders: readonly LayerFolder[];
}

export interface DeployedLayers {
  /** What the image is derived from: the image of the release. */
  readonly base: Image;
  readonly set: LayerSet;
  /** JSON of what the set was resolved to. */
  readonly lock: ObjectId;
  /** Members of the set that this base cannot have, by name; tried again with each new base. */
  readonly quarantined: readonly { readonly layer: string; readonly why: string }[];
}

const MEMBERS_MAX = 128;
const WHY_MAX = 320;
const name = string(128, /^[a-z0-9][a-z0-9+.-]*$/);

export const layersShape = record({
  base: imageShape(objectIdShape),
  set: record({
    packages: list(name, MEMBERS_MAX),
    debs: list(
      record({
        name,
        version: string(128, /^[0-9A-Za-z.+:~-]+$/),
        architecture: string(32, /^[a-z0-9-]+$/),
        object: objectIdShape,
        size: integer(0, 2 ** 40),
        sha256: string(64, /^[0-9a-f]{64}$/),
      }),
      MEMBERS_MAX,
    ),
    folders: list(record({ name: string(255), tree: objectIdShape }), MEMBERS_MAX),
  }),
  lock: objectIdShape,
  quarantined: list(record({ layer: string(255), why: string(WHY_MAX) }), MEMBERS_MAX),
});

/** The members of a set, as people name them. */
export function layerNames({ packages, debs, folders }: LayerSet): string[] {
  return [...packages, ...debs.map(({ name: deb }) => deb), ...folders.map(({ name: folder }) => folder)];
}

/** A reason, as long as a record has room for. */
export function shortReason(why: string): string {
  const line = why.replaceAll(/\s*\n\s*/g, "; ");
  return line.length <= WHY_MAX ? line : `${line.slice(0, WHY_MAX - 1)}…`;
}

/** Whether two generations want the same on the same base. */
export function sameLayers(a: DeployedLayers | undefined, b: DeployedLayers | undefined): boolean {
  const key = (layers: DeployedLayers | undefined): string => (layers === undefined ? "" : canonicalJson([layers.base.digest, layers.set]));
  return key(a) === key(b);
}

/** Objects besides those of images that deriving again needs: package files, folders with their contents, what was resolved. */
export function objectsOfLayers({ set, lock }: DeployedLayers, store: Store): ObjectId[] {
  const contents = set.folders.flatMap(({ tree }) =>
    parseDumpfile(store.read(tree).toString("latin1")).flatMap(
      (entry) => parseObjectId(entry.hardlink === undefined ? (entry.digest ?? "") : "") ?? [],
    ),
  );
  return [lock, ...set.debs.map(({ object }) => object), ...set.folders.map(({ tree }) => tree), ...contents];
}
