/**
 * The disks that a power cut could have left, as lists of writes. A flush makes everything before it durable; of what came
 * after the last flush any part may have reached the disk, in any order, and a write may be cut between two sectors.
 *
 *   prefix     everything up to a flush, nothing after it
 *   ordered    everything up to some write
 *   reordered  everything up to a flush, and some of the writes before the next one
 *   torn       the same, and the last write only in its first sectors
 */
import type { Phase } from "./recording.ts";
import { seeded } from "./random.ts";
import type { Random } from "./random.ts";
import { SECTOR } from "./write-log.ts";
import type { LogEntry } from "./write-log.ts";

export type StateKind = "prefix" | "ordered" | "reordered" | "torn";

export interface PowerCut {
  readonly kind: StateKind;
  readonly phase: Phase;
  /** Entries of the log before this index are on the disk. */
  readonly durable: number;
  /** Indexes of later entries that are there too, rising. */
  readonly extra: readonly number[];
  /** Bytes of the last of `extra` that are there; all when absent. */
  readonly torn?: number;
}

/** Other than file systems write in; a torn write ends at a multiple of one of these. */
const TORN_AT = [SECTOR, 4096] as const;
const KINDS: readonly StateKind[] = ["prefix", "ordered", "reordered", "torn", "reordered"];

/**
 * `count` states, each phase and kind about as often; the same for the same seed. Sorted by `durable`.
 * @param phases only these; each with at least one write
 */
export function powerCuts(
  entries: readonly LogEntry[],
  phases: readonly Phase[],
  request: { readonly count: number; readonly seed: number },
): PowerCut[] {
  const random = seeded(request.seed);
  const cuts: PowerCut[] = [];
  const seen = new Set<string>();
  const spans = phases.map((phase, at) => ({ phase, ...spanOf(entries, phases[at - 1]?.end ?? 0, phase.end) }));
  // Short phases have fewer states than are asked of them.
  for (let tries = 0; cuts.length < request.count && tries < 20 * request.count; tries++) {
    const span = spans[tries % spans.length];
    const kind = KINDS[Math.floor(tries / spans.length) % KINDS.length];
    if (span === undefined || kind === undefined || span.from === span.to) continue;
    const cut = cutAt(entries, { kind, phase: span.phase, at: span.from + 1 + random.below(span.to - span.from) }, random);
    const name = nameOf(cut);
    if (seen.has(name)) continue;
    seen.add(name);
    cuts.push(cut);
  }
  return cuts.sort((a, b) => a.durable - b.durable || (nameOf(a) < nameOf(b) ? -1 : 1));
}

/** Names a state of a recording, to look at it again. */
export function nameOf({ kind, phase, durable, extra, torn }: PowerCut): string {
  return `${slugOf(phase)}:${kind}:${durable}${extra.length === 0 ? "" : `+${rangesOf(extra)}`}${torn === undefined ? "" : `/${torn}`}`;
}

/** The state that {@link nameOf} named. @throws Error when it is no name, or of another recording */
export function parseName(name: string, phases: readonly Phase[]): PowerCut {
  const [, slug, kind, durable, ranges, torn] =
    /^([a-z-]+):(prefix|ordered|reordered|torn):(\d+)(?:\+([\d,-]+))?(?:\/(\d+))?$/.exec(name) ?? [];
  const extra = (ranges ?? "").split(",").flatMap((range) => {
    if (range === "") return [];
    const [from = 0, to = from] = range.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, at) => from + at);
  });
  const phase = phases.find((each) => slugOf(each) === slug);
  if (phase === undefined || kind === undefined) throw new Error(`${name} names no state of this recording`);
  return { kind: kind as StateKind, phase, durable: Number(durable), extra, ...(torn === undefined ? {} : { torn: Number(torn) }) };
}

function spanOf(entries: readonly LogEntry[], start: number, end: number): { from: number; to: number } {
  const after = (offset: number): number => {
    const found = entries.findIndex((entry) => entry.end > offset);
    return found === -1 ? entries.length : found;
  };
  return { from: after(start), to: after(end) };
}

/** @param where.at number of entries that were asked for before the power was cut */
function cutAt(entries: readonly LogEntry[], where: { kind: StateKind; phase: Phase; at: number }, random: Random): PowerCut {
  const { kind, phase, at } = where;
  const flush = entries.findLastIndex((entry, index) => index < at && entry.kind === "flush");
  const durable = flush + 1;
  const pending = Array.from({ length: at - durable }, (_, offset) => durable + offset);
  if (kind === "prefix") return { kind, phase, durable, extra: [] };
  if (kind === "ordered") return { kind, phase, durable, extra: pending };
  const extra = some(pending, random);
  const last = entries[extra.at(-1) ?? -1];
  if (kind === "reordered" || last?.kind !== "write") return { kind: "reordered", phase, durable, extra };
  const unit = TORN_AT[random.below(TORN_AT.length)] ?? SECTOR;
  const units = Math.ceil(last.length / unit);
  return units < 2
    ? { kind: "reordered", phase, durable, extra }
    : { kind, phase, durable, extra, torn: unit * (1 + random.below(units - 1)) };
}

/** Half of them, all but a few, or only a few: mistakes in ordering show in different ones. */
function some(pending: readonly number[], random: Random): number[] {
  const share = [1, 2, 3][random.below(3)] ?? 2;
  const kept = pending.filter(() => random.below(4) < share);
  return random.below(4) === 0 ? pending.filter((index) => index !== pending[random.below(pending.length)]) : kept;
}

function slugOf({ name }: Phase): string {
  return name.replaceAll(/[^a-z]+/g, "-");
}

function rangesOf(indexes: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const index of indexes) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === index - 1) last[1] = index;
    else ranges.push([index, index]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
}
