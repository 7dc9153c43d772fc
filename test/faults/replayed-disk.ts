/** A disk as a power cut left it, without a copy of the disk: for each sector that was written, where the log has it. */
import { readSync } from "node:fs";
import type { PowerCut } from "./power-cut-states.ts";
import { SECTOR } from "./write-log.ts";
import type { LogEntry } from "./write-log.ts";

export interface Recorded {
  /** Open for reading. */
  readonly base: number;
  readonly log: number;
  readonly entries: readonly LogEntry[];
  /** Bytes of the disk. */
  readonly size: number;
}

/** Bytes of the disk. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

export interface ReplayedDisk {
  /** Plays on until `cut`; cuts must come in the order of their durable parts. */
  moveTo(cut: PowerCut): void;
  read(offset: number, length: number): Buffer;
  /** Where a sector's bytes come from: a place in the log, or undefined when it is as it was before the first start. */
  sourceOf(sector: number): number | undefined;
  /** Whether any sector of a range was written. Quick. */
  isTouched(range: Range): boolean;
  /** What reached the disk after the last flush. */
  volatile(): readonly Range[];
  /** Calls `follow` with what became durable, while nothing else is on the disk. */
  watch(follow: (ranges: readonly Range[]) => void): void;
}

/** A sector's source when it is none of the log: zeros, or the base. */
const ZERO = -1;
const BASE = 0;
const BLOCK = 4096;

export function openReplayedDisk({ base, log, entries, size }: Recorded): ReplayedDisk {
  const durable = new Float64Array(size / SECTOR);
  const touched = new Uint8Array(size / BLOCK);
  const watchers: ((ranges: readonly Range[]) => void)[] = [];
  let extra = new Map<number, number>();
  let extraRanges: Range[] = [];
  let played = 0;
  const source = (sector: number): number => extra.get(sector) ?? durable[sector] ?? BASE;
  const touch = ({ offset, length }: Range): void => void touched.fill(1, Math.floor(offset / BLOCK), Math.ceil((offset + length) / BLOCK));
  const read = (offset: number, length: number): Buffer => {
    const from = Math.floor(offset / SECTOR) * SECTOR;
    const bytes = Buffer.alloc(Math.ceil((offset + length - from) / SECTOR) * SECTOR);
    // Neighbours that lie beside each other in the log are read at once.
    for (let at = 0; at < bytes.length;) {
      const first = source((from + at) / SECTOR);
      let run = SECTOR;
      while (at + run < bytes.length && source((from + at + run) / SECTOR) === (first > 0 ? first + run : first)) run += SECTOR;
      if (first === BASE) readSync(base, bytes, at, run, from + at);
      else if (first !== ZERO) readSync(log, bytes, at, run, first);
      at += run;
    }
    return bytes.subarray(offset - from, offset - from + length);
  };
  return {
    moveTo: (cut) => {
      if (cut.durable < played) throw new Error("a disk plays forward only");
      extra = new Map();
      const ranges: Range[] = [];
      for (; played < cut.durable; played++) {
        const range = apply(entries[played], undefined, (sector, place) => void (durable[sector] = place));
        if (range !== undefined) ranges.push(range);
      }
      ranges.forEach(touch);
      for (const follow of watchers) follow(ranges);
      extraRanges = cut.extra.flatMap((index, at) => {
        const torn = at === cut.extra.length - 1 ? cut.torn : undefined;
        return apply(entries[index], torn, (sector, place) => void extra.set(sector, place)) ?? [];
      });
      // Marks stay when the next cut has other writes: they only say where to look.
      extraRanges.forEach(touch);
    },
    read,
    sourceOf: (sector) => (source(sector) === BASE ? undefined : source(sector)),
    isTouched: ({ offset, length }) => touched.subarray(Math.floor(offset / BLOCK), Math.ceil((offset + length) / BLOCK)).includes(1),
    volatile: () => extraRanges,
    watch: (follow) => void watchers.push(follow),
  };
}

function apply(entry: LogEntry | undefined, torn: number | undefined, set: (sector: number, source: number) => void): Range | undefined {
  if (entry === undefined || entry.kind === "flush") return undefined;
  const length = torn ?? entry.length;
  for (let at = 0; at < length; at += SECTOR) set((entry.start + at) / SECTOR, entry.kind === "write" ? entry.data + at : ZERO);
  return { offset: entry.start, length };
}
