/**
 * The index of a difference or of packs (docs/formats/delta.md): which groups there are, where they lie, and which pieces
 * of which objects each of them holds. Nothing of it is signed; what it leads to is known by the digests of the release.
 */
import { constants, brotliCompressSync, brotliDecompressSync } from "node:zlib";
import { canonicalJson } from "#formats/canonical-json.ts";
import { DeltaError } from "#formats/delta/errors.ts";
import { ShapeError, integer, list, literal, optional, record, string } from "#formats/shape.ts";
import type { ObjectId } from "#store/object.ts";
import { objectIdShape } from "#store/shape.ts";
import { messageOf } from "#errors";

/** Part of an object, made of an old object and what is new, or only of what is new. */
export interface GroupPiece {
  /** Place in the release's list of objects; -1 for one that this release does not have. */
  readonly place: number;
  /** Place in the list of old objects; -1 where there is none. */
  readonly base: number;
  /** Bytes of the new object. */
  readonly length: number;
  /** Bytes of the three parts of the patch. */
  readonly steps: number;
  readonly changes: number;
  readonly fresh: number;
}

export interface Group {
  /** Place in `files`. */
  readonly file: number;
  /** Bytes, compressed. */
  readonly at: number;
  readonly size: number;
  readonly pieces: readonly GroupPiece[];
}

/** An object whose pieces make what is in it: it is compressed, and its base is unpacked too. */
export interface PackedObject {
  /** Place in the release's list of objects. */
  readonly place: number;
  /** Place in the list of old objects. */
  readonly base: number;
  /** Bytes that its pieces make. */
  readonly size: number;
  /** How the object is made of that (inside.ts): whoever does not know the way cannot make it. */
  readonly how: string;
}

export interface DeltaIndex {
  readonly version: 3;
  /** The composefs image that old objects are those of; absent in packs, which have none. */
  readonly from?: ObjectId;
  /** Old objects besides those that the old image names. */
  readonly extra: readonly ObjectId[];
  /** Paths of the files with the groups, relative to the release folder. */
  readonly files: readonly string[];
  readonly packed: readonly PackedObject[];
  readonly groups: readonly Group[];
}

/** Bytes of new files in one group, and in one piece. Whoever applies a group has it in memory. */
export const GROUP_MAX = 8 * 1024 * 1024;
/** Compressed, and unpacked. */
export const INDEX_MAX = 8 * 1024 * 1024;
const INDEX_UNPACKED_MAX = 64 * 1024 * 1024;
const GROUPS_MAX = 100_000;
const PIECES_MAX = 400_000;
const PACKED_MAX = 100_000;
const FIELDS = 6;
/** Bytes that a machine unpacks and packs again in memory. */
export const PACKED_CONTENT_MAX = 128 * 1024 * 1024;

const indexShape = record({
  version: literal(3),
  from: optional(objectIdShape),
  extra: list(objectIdShape, 16),
  files: list(string(200, /^(packs|deltas)\/[0-9a-z/.-]+$/), 4096),
  packed: list(
    record({ place: integer(0, 2 ** 40), base: integer(0, 2 ** 40), size: integer(1, PACKED_CONTENT_MAX), how: string(60) }),
    PACKED_MAX,
  ),
  groups: list(
    record({
      file: integer(0, 4096),
      at: integer(0, 2 ** 40),
      size: integer(1, GROUP_MAX * 2),
      pieces: list(integer(-1, 2 ** 40), PIECES_MAX * FIELDS),
    }),
    GROUPS_MAX,
  ),
});

/** Numbers of pieces one after the other, each place as the distance to the one before: that compresses well. */
export function renderIndex(index: DeltaIndex): Buffer {
  const groups = index.groups.map(({ pieces, ...group }) => ({
    ...group,
    pieces: pieces.flatMap(({ place, base, length, steps, changes, fresh }) => [place, base, length, steps, changes, fresh]),
  }));
  return brotliCompressSync(Buffer.from(canonicalJson({ ...index, groups })), { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } });
}

/** Inverse of {@link renderIndex}. @throws DeltaError */
export function parseIndex(bytes: Buffer): DeltaIndex {
  let index: ReturnType<typeof indexShape>;
  try {
    index = indexShape(JSON.parse(brotliDecompressSync(bytes, { maxOutputLength: INDEX_UNPACKED_MAX }).toString("utf8")), "");
  } catch (error) {
    // What brotli refuses has a code of its own for each reason.
    if (error instanceof SyntaxError || error instanceof ShapeError || (error instanceof Error && "code" in error))
      throw new DeltaError(`its index: ${messageOf(error)}`, { cause: error });
    throw error;
  }
  const groups = index.groups.map(({ pieces, ...group }, at): Group => {
    if (pieces.length % FIELDS !== 0) throw new DeltaError(`its index: group ${at} ends within a piece`);
    if (group.file >= index.files.length) throw new DeltaError(`its index: group ${at} lies in no file`);
    const read: GroupPiece[] = [];
    for (let from = 0; from < pieces.length; from += FIELDS) {
      const [place, base, length, steps, changes, fresh] = pieces.slice(from, from + FIELDS) as [
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      read.push({ place, base, length, steps, changes, fresh });
    }
    if (unpackedSize({ pieces: read }) > GROUP_MAX * 3 || read.reduce((sum, { length }) => sum + length, 0) > GROUP_MAX)
      throw new DeltaError(`its index: group ${at} is larger than ${GROUP_MAX} bytes`);
    return { ...group, pieces: read };
  });
  return { ...index, groups };
}

/** Bytes that a group has when it is unpacked. */
export function unpackedSize({ pieces }: Pick<Group, "pieces">): number {
  return pieces.reduce((sum, { steps, changes, fresh }) => sum + steps + changes + fresh, 0);
}
