/** The build host's side: the difference between two images, and packs of what is new in a release. */
import { differenceOf } from "#formats/delta/diff.ts";
import { freshPieces, patchesOf } from "#formats/delta/patch.ts";
import type { Piece } from "#formats/delta/patch.ts";
import { compareBytes } from "#formats/bytes.ts";
import type { Step } from "#report/reporter.ts";
import type { ObjectId } from "#store/object.ts";
import type { ReleaseObject } from "../release.ts";
import { estimate, writeGroups } from "./groups.ts";
import type { PlacedPiece } from "./groups.ts";
import { isGzip } from "./gzip.ts";
import { GROUP_MAX } from "./index-file.ts";
import type { DeltaIndex, PackedObject } from "./index-file.ts";
import { patchInside } from "./inside.ts";
import { oldObjects } from "./layout.ts";
import { namedObjects, predecessorsIn } from "./predecessors.ts";

/** What a difference is made between: an image with the objects that its release names. */
export interface Side {
  readonly image: ObjectId;
  /** Kernel and initrd. */
  readonly boot: readonly ObjectId[];
  readonly objects: readonly ReleaseObject[];
  readonly read: (object: ObjectId) => Buffer;
}

export interface Written {
  /** Path of the file, as the index names it. */
  readonly path: string;
  /** Appends. */
  readonly write: (bytes: Buffer) => void;
}

/**
 * A killed transfer loses what came of one group: that is an eightieth of a difference, or so many bytes where that is small or
 * large. Half as many groups would save half a percent of a new kernel.
 */
const SMALL_GROUP = 16 * 1024;
const GROUP_TARGET = 48 * 1024;
const GROUPS_WANTED = 80;
/** What has no predecessor may be as large compressed, and a piece is in one group. */
const WHOLE_PIECE = 48 * 1024;
/** A patch that is nearly as large as the object is not worth its larger pieces: a killed transfer loses what it had of one. */
const PATCH_MAX = 0.95;
/** Of two files with more bytes than this, a difference takes gigabytes of memory. */
const DIFFERENCE_MAX = 256 * 1024 * 1024;

/** Writes what `to` has and `from` does not: patches where they are smaller. */
export async function makeDelta(from: Side, to: Side, data: Written, step: Step): Promise<DeltaIndex> {
  const image = from.read(from.image);
  const old = new Set(from.objects.map(({ object }) => object));
  const bases = oldObjects(image, from.image, from.boot);
  const baseOf = new Map(bases.map((object, place) => [object, place]));
  const placeOf = (base: ObjectId | undefined): number => (base === undefined ? -1 : baseOf.get(base)!);
  const special = new Map<ObjectId, ObjectId>([[to.image, from.image], ...to.boot.flatMap((object, at) => pairOf(object, from.boot[at]))]);
  const predecessor = predecessorsIn(namedObjects(image));
  const fresh = inOrder(to).filter(({ object }) => !old.has(object));
  const pieces: PlacedPiece[] = [];
  const packed: PackedObject[] = [];
  let total = 0;
  for (const [at, { object, size, place, paths }] of fresh.entries()) {
    const base = special.get(object) ?? predecessor(paths, size);
    const content = to.read(object);
    const old = base === undefined ? undefined : { base, content: from.read(base) };
    const isPacked = to.boot.includes(object) || isGzip(content);
    const inside = old !== undefined && isPacked ? await patchInside(old.content, content) : undefined;
    let chosen = inside === undefined ? smallest(content, old) : { pieces: estimated(inside.pieces), base };
    if (inside !== undefined && sizeOf(chosen.pieces) < PATCH_MAX * content.length)
      packed.push({ place, base: placeOf(base), size: inside.size, how: inside.how });
    else if (inside !== undefined) chosen = smallest(content, old);
    total += sizeOf(chosen.pieces);
    pieces.push(...chosen.pieces.map((piece) => ({ ...piece, place, base: piece.steps.length === 0 ? -1 : placeOf(chosen.base) })));
    step.progress(at + 1, fresh.length, "objects");
  }
  const target = Math.min(GROUP_TARGET, Math.max(SMALL_GROUP, Math.floor(total / GROUPS_WANTED)));
  const groups = await writeGroups(pieces, { file: 0, target, quality: "best", write: data.write });
  return { version: 3, from: from.image, extra: from.boot, files: [data.path], packed, groups };
}

function pairOf(object: ObjectId, base: ObjectId | undefined): [ObjectId, ObjectId][] {
  return base === undefined ? [] : [[object, base]];
}

type Estimated = Piece & Pick<PlacedPiece, "estimated">;

const estimated = (pieces: readonly Piece[]): Estimated[] => pieces.map((piece) => ({ ...piece, estimated: estimate(piece) }));
const sizeOf = (pieces: readonly Estimated[]): number => pieces.reduce((sum, piece) => sum + piece.estimated, 0);

interface Chosen {
  readonly pieces: readonly Estimated[];
  readonly base: ObjectId | undefined;
}

interface Old {
  readonly base: ObjectId;
  readonly content: Buffer;
}

/** A patch, or the content as it is: whichever is smaller. */
function smallest(content: Buffer, old: Old | undefined): Chosen {
  const whole = { pieces: estimated(freshPieces(content, WHOLE_PIECE)), base: undefined };
  if (old === undefined || content.length === 0 || Math.max(content.length, old.content.length) > DIFFERENCE_MAX) return whole;
  const difference = differenceOf(old.content, content);
  const pieces = estimated(patchesOf(difference, GROUP_MAX));
  const size = sizeOf(pieces);
  if (size >= PATCH_MAX * sizeOf(whole.pieces)) return whole;
  // One piece of a large patch would be a large group.
  const cuts = Math.ceil(size / GROUP_TARGET);
  return { pieces: cuts === 1 ? pieces : estimated(patchesOf(difference, Math.ceil(content.length / cuts))), base: old.base };
}

interface OrderedObject extends ReleaseObject {
  readonly place: number;
  readonly paths: readonly string[];
}

/** By path, so that files of one package are in one group; the composefs image comes first, for it has none. */
function inOrder({ objects, image, read }: Side): OrderedObject[] {
  const { paths } = namedObjects(read(image));
  return objects
    .map(({ object, size }, place) => ({ object, size, place, paths: paths.get(object) ?? [] }))
    .sort((a, b) => compareBytes(a.paths[0] ?? "", b.paths[0] ?? "") || a.place - b.place);
}

/** Larger objects are one request each; in a pack nobody would get them without others. */
const PACKED_MAX = 64 * 1024;
/** What is read of packs is larger than a difference, and so is what a killed transfer may lose. */
const PACK_TARGET = 128 * 1024;

export interface PacksBefore {
  readonly index: DeltaIndex;
  /** The list that its places count in. */
  readonly objects: readonly ReleaseObject[];
}

/** Packs what no pack before has. The index is that of all packs that have something of this release. */
export async function makePacks(to: Side, before: PacksBefore | undefined, data: Written): Promise<DeltaIndex> {
  const placeOf = new Map(to.objects.map(({ object }, place) => [object, place]));
  const packed = new Set<number>();
  const kept = (before?.index.groups ?? []).flatMap((group) => {
    const pieces = group.pieces.map((piece) => ({
      ...piece,
      place: placeOf.get(before?.objects[piece.place]?.object ?? ("" as ObjectId)) ?? -1,
    }));
    if (pieces.every(({ place }) => place < 0)) return [];
    for (const { place } of pieces) packed.add(place);
    return [{ ...group, pieces }];
  });
  const used = [...new Set(kept.map(({ file }) => file))].sort((a, b) => a - b);
  const files = used.map((file) => before?.index.files[file] ?? "");
  const groups = await writeGroups(smallPieces(to, packed), {
    file: files.length,
    target: PACK_TARGET,
    quality: "quick",
    write: data.write,
  });
  return {
    version: 3,
    extra: [],
    packed: [],
    files: groups.length === 0 ? files : [...files, data.path],
    groups: [...kept.map((group) => ({ ...group, file: used.indexOf(group.file) })), ...groups],
  };
}

function* smallPieces(to: Side, packed: ReadonlySet<number>): Generator<PlacedPiece> {
  for (const { object, size, place } of inOrder(to)) {
    if (size > PACKED_MAX || packed.has(place)) continue;
    for (const piece of estimated(freshPieces(to.read(object), PACKED_MAX))) yield { ...piece, place, base: -1 };
  }
}
