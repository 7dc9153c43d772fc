/** Writing pieces of objects in groups, each compressed as one: what is alike costs little, and few groups have to be fetched. */
import { promisify } from "node:util";
import { brotliCompress, constants, zstdCompressSync } from "node:zlib";
import type { Piece } from "#formats/delta/patch.ts";
import { GROUP_MAX } from "./index-file.ts";
import type { Group, GroupPiece } from "./index-file.ts";

export interface PlacedPiece extends Piece {
  readonly place: number;
  readonly base: number;
  /** Of {@link estimate}: made once, it compresses. */
  readonly estimated: number;
}

/** Levels of brotli. The best one makes half a megabyte in a second: it is for what is downloaded often and is small. */
export type Quality = "best" | "quick";
const QUALITIES = { best: 11, large: 9, quick: 5 };
/** Groups above this are mostly new bytes, for which the best level takes minutes for 5 % less. */
const BEST_MAX = 2 * 1024 * 1024;
/** As many as Node's thread pool compresses at once. */
const PARALLEL = 4;

const compress = promisify(brotliCompress);

/** Bytes that a piece will have in a group, about. */
export function estimate({ steps, changes, fresh }: Pick<Piece, "steps" | "changes" | "fresh">): number {
  return [steps, changes, fresh].reduce((sum, part) => sum + (part.length === 0 ? 0 : zstdCompressSync(part).length), 0);
}

export interface GroupsRequest {
  /** Place of the file in the index. */
  readonly file: number;
  /** Bytes, compressed, that a group has at most, unless it is one piece. */
  readonly target: number;
  readonly quality: Quality;
  /** Appends to the file; called in the order of the groups. */
  readonly write: (bytes: Buffer) => void;
}

/** Writes all pieces and says where they are. */
export async function writeGroups(pieces: Iterable<PlacedPiece>, { file, target, quality, write }: GroupsRequest): Promise<Group[]> {
  const groups: Group[] = [];
  const running: Promise<{ readonly bytes: Buffer; readonly pieces: readonly GroupPiece[] }>[] = [];
  let at = 0;
  const finishOne = async (): Promise<void> => {
    const done = await running.shift();
    if (done === undefined) return;
    write(done.bytes);
    groups.push({ file, at, size: done.bytes.length, pieces: done.pieces });
    at += done.bytes.length;
  };
  const start = async (members: readonly PlacedPiece[]): Promise<void> => {
    running.push(compressed(members, quality));
    if (running.length === PARALLEL) await finishOne();
  };
  let open: PlacedPiece[] = [];
  let [length, size] = [0, 0];
  for (const piece of pieces) {
    if (open.length > 0 && (length + piece.length > GROUP_MAX || size + piece.estimated > target)) {
      await start(open);
      open = [];
      [length, size] = [0, 0];
    }
    open.push(piece);
    [length, size] = [length + piece.length, size + piece.estimated];
  }
  if (open.length > 0) await start(open);
  while (running.length > 0) await finishOne();
  return groups;
}

async function compressed(members: readonly PlacedPiece[], quality: Quality): Promise<{ bytes: Buffer; pieces: GroupPiece[] }> {
  const content = Buffer.concat([
    ...members.map(({ steps }) => steps),
    ...members.map(({ changes }) => changes),
    ...members.map(({ fresh }) => fresh),
  ]);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: QUALITIES[quality === "best" && content.length > BEST_MAX ? "large" : quality],
    [constants.BROTLI_PARAM_LGWIN]: 23,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
  };
  return {
    bytes: await compress(content, { params }),
    pieces: members.map(({ place, base, length, steps, changes, fresh }) => ({
      place,
      base,
      length,
      steps: steps.length,
      changes: changes.length,
      fresh: fresh.length,
    })),
  };
}
