/** What a machine reads of a difference or of packs: the groups that have something it lacks, if that is worth it. */
import type { ObjectId } from "#store/object.ts";
import type { ReleaseObject } from "../release.ts";
import type { DeltaIndex, Group } from "./index-file.ts";
import type { Partials } from "./partial.ts";

export interface DeltaPlan {
  /** In the order of the files. */
  readonly groups: readonly Group[];
  /** Objects that will come of them. */
  readonly objects: ReadonlySet<ObjectId>;
  /** Bytes that travel. */
  readonly size: number;
}

export interface PlanRequest {
  readonly index: DeltaIndex;
  /** The release's list. */
  readonly release: readonly ReleaseObject[];
  readonly missing: ReadonlySet<ObjectId>;
  /** Old objects by their places; undefined for one that is not here. */
  readonly bases: readonly (ObjectId | undefined)[];
  /** What an earlier transfer left. */
  readonly partials: Partials;
  /** How packed objects can be made here. */
  readonly ways: ReadonlySet<string>;
}

/** A request and the frame of an object that is fetched alone, in bytes. */
const ALONE = 600;
/** Alone, small files compress worse than in a group. */
const SOLID = 1.3;

export function planDelta({ index, release, missing, bases, partials, ways }: PlanRequest): DeltaPlan {
  const possible = completeObjects({ index, release, bases, ways });
  const objects = new Set<ObjectId>();
  const groups = index.groups.filter((group) => {
    const wanted = group.pieces.flatMap((piece) => {
      const { place, length } = piece;
      const object = release[place]?.object;
      return object !== undefined && missing.has(object) && possible.has(object)
        ? [{ object, length, place, end: partials.endOf(piece) }]
        : [];
    });
    if (wanted.length === 0) return false;
    if (index.from === undefined && !isWorthIt(group, wanted)) return false;
    for (const { object } of wanted) objects.add(object);
    // All of its pieces may be here already.
    return wanted.some(({ place, end }) => end > partials.held(place));
  });
  return { groups, objects, size: groups.reduce((sum, { size }) => sum + size, 0) };
}

/** Objects of which every byte is there, made of old objects that are here. */
function completeObjects({
  index,
  release,
  bases,
  ways,
}: Pick<PlanRequest, "index" | "release" | "bases" | "ways">): ReadonlySet<ObjectId> {
  const packed = new Map(index.packed.map((each) => [each.place, each]));
  /** What pieces make, in bytes: the object, or what is packed in it; undefined when this machine cannot pack it. */
  const sizeMade = (place: number, { size }: ReleaseObject): number | undefined => {
    const inside = packed.get(place);
    return inside === undefined ? size : ways.has(inside.how) ? inside.size : undefined;
  };
  const lengths = new Map<number, number>();
  const impossible = new Set<number>();
  for (const { place, base, length } of index.groups.flatMap(({ pieces }) => pieces)) {
    lengths.set(place, (lengths.get(place) ?? 0) + length);
    if (base >= 0 && bases[base] === undefined) impossible.add(place);
  }
  return new Set(
    [...lengths].flatMap(([place, length]) => {
      const item = release[place];
      return item !== undefined && sizeMade(place, item) === length && !impossible.has(place) ? [item.object] : [];
    }),
  );
}

function isWorthIt({ pieces, size }: Group, wanted: readonly { readonly length: number }[]): boolean {
  const [all, part] = [pieces, wanted].map((list) => list.reduce((sum, { length }) => sum + length, 0)) as [number, number];
  return size <= (all === 0 ? 0 : (part / all) * size * SOLID) + wanted.length * ALONE;
}
