/** Releases as targets.json lists them, and which of them a machine goes to. */
import type { TargetFile } from "@tufjs/models";
import { AshlarError, messageOf } from "#errors";
import { CHANNEL_NAME } from "#formats/channel.ts";
import { ShapeError, integer, literal, optional, record, string } from "#formats/shape.ts";
import type { ObjectId } from "#store/object.ts";
import { objectIdShape } from "#store/shape.ts";
import { MANIFEST_MAX } from "../release.ts";
import type { TrustErrorCode } from "./errors.ts";
import { sequenceOf } from "../layout.ts";
import { trustError } from "./metadata.ts";

/** What `custom` of a target says (specification §4.5). */
export interface ReleaseEntry {
  readonly sequence: number;
  readonly channel: string;
  /** Of the composefs image: what a machine that was installed from a disk knows of itself. */
  readonly image: ObjectId;
  /** Machines with older releases run this one before any newer one. */
  readonly barrier: boolean;
  /** Of the manifest. */
  readonly length: number;
  readonly sha256: string;
}

export const DEFAULT_CHANNEL = "stable";

const customShape = record({
  sequence: integer(1, 1e15),
  channel: string(64, CHANNEL_NAME),
  image: objectIdShape,
  barrier: optional(literal("before-newer")),
});
const sha256Shape = string(64, /^[0-9a-f]{64}$/);

/** The releases among the targets, by rising sequence. Targets of other names are not for machines. @throws E_TRUST_MALFORMED */
export function entriesIn(targets: Readonly<Record<string, TargetFile>>, where: string): ReleaseEntry[] {
  return Object.entries(targets)
    .flatMap(([path, target]) => (sequenceOf(path) === undefined ? [] : [entryOf(path, target, where)]))
    .sort((a, b) => a.sequence - b.sequence);
}

function entryOf(path: string, target: TargetFile, where: string): ReleaseEntry {
  try {
    const { sequence, channel, image, barrier } = customShape(target.custom, `${path}: custom`);
    if (sequence !== sequenceOf(path)) throw new ShapeError(`${path} is release ${sequence}`);
    const length = integer(1, MANIFEST_MAX)(target.length, `${path}: length`);
    return {
      sequence,
      channel,
      image,
      barrier: barrier !== undefined,
      length,
      sha256: sha256Shape(target.hashes["sha256"], `${path}: sha256`),
    };
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw trustError("E_TRUST_MALFORMED", `${where}: ${messageOf(error)}`, where, error);
  }
}

/** Inverse of what {@link entriesIn} reads. */
export function customOf({ sequence, channel, image, barrier }: Omit<ReleaseEntry, "length" | "sha256">) {
  return { sequence, channel, image, ...(barrier ? { barrier: "before-newer" } : {}) };
}

/** What a machine runs, as far as it knows. */
export interface Standing {
  /** Of the release that runs; absent for a machine that still runs what its disk was made with. */
  readonly sequence?: number | undefined;
  readonly image?: ObjectId | undefined;
}

export interface Choice {
  readonly channel: string;
  /** What the address itself names, such as a registry's tag: it counts instead of the channel. */
  readonly named?: number | undefined;
  readonly standing: Standing;
  /** Lower ones were run, or refused, before. */
  readonly minimumSequence: number;
}

/**
 * The release to go to: the newest of the channel, or the first barrier on the way to it.
 * @throws E_TRUST_CHANNEL, E_TRUST_MISMATCH
 */
export function chooseEntry(
  entries: readonly ReleaseEntry[],
  { channel, named, standing, minimumSequence }: Choice,
  where: string,
): ReleaseEntry {
  const newest =
    named === undefined ? entries.findLast((each) => each.channel === channel) : entries.find((each) => each.sequence === named);
  if (newest === undefined) {
    if (named !== undefined) throw trustError("E_TRUST_MISMATCH", `${where} offers release ${named}, which nobody signed`, where);
    throw noneIn(channel, entries, where);
  }
  const at = standing.sequence ?? entries.find(({ image }) => image === standing.image)?.sequence;
  // A machine that does not know where it stands has never run a release: its disk may be newer than any barrier.
  if (at === undefined) return newest;
  const barrier = entries.find(
    (each) =>
      each.barrier &&
      each.channel === newest.channel &&
      each.sequence > at &&
      each.sequence >= minimumSequence &&
      each.sequence < newest.sequence,
  );
  return barrier ?? newest;
}

function noneIn(channel: string, entries: readonly ReleaseEntry[], where: string): AshlarError<TrustErrorCode> {
  const channels = [...new Set(entries.map((each) => each.channel))].sort();
  return new AshlarError("E_TRUST_CHANNEL", `${where} has no release of the channel ${channel}`, {
    hint: `${channels.length === 0 ? "publish one" : `there is: ${channels.join(", ")}; \`updates.channel\` in the config says which a machine follows`}; the machine is unchanged`,
    details: { address: where, channel, channels },
  });
}
