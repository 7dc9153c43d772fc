/** A disk as a power cut left it, without a copy of the disk: for each sector that was written, where the log has it. */
import { readSync } from "node:fs";
import type { PowerCut } from "./power-cut-states.ts";
import { SECTOR } from "./write-log.ts";
import type { LogEntry } from "./write-log.ts";

/** What a sector has: bytes of the log, or zeros. */
const ZERO = -1;

export interface Recorded {
  /** Open for reading. */
  readonly base: number;
  readonly log: number;
  readonly entries: readonly LogEntry[];
}

export interface ReplayedDisk {
  /** Plays on until `cut`; cuts must come in the order of their durable parts. */
  moveTo(cut: PowerCut): void;
  /** Bytes of the disk. */
  read(offset: number, length: number): Buffer;
  /** Where a sector's bytes come from; undefined when it is as it was before the first start. */
  sourceOf(sector: number): number | undefined;
  /** Each sector of a range of the disk that was written, with its bytes. */
  written(from: number, to: number): Iterable<{ readonly offset: number; readonly bytes: Buffer }>;
}

export function openReplayedDisk({ base, log, entries }: Recorded): ReplayedDisk {
  const durable = new Map<number, number>();
  let volatile = new Map<number, number>();
  let played = 0;
  const source = (sector: number): number | undefined => volatile.get(sector) ?? durable.get(sector);
  const fill = (bytes: Buffer, offset: number): void => {
    // Neighbours that lie beside each other in the log are read at once.
    for (let at = 0; at < bytes.length;) {
      const from = source((offset + at) / SECTOR);
      let run = SECTOR;
      while (at + run < bytes.length && follows(from, source((offset + at + run) / SECTOR), run)) run += SECTOR;
      if (from === undefined) readSync(base, bytes, at, run, offset + at);
      else if (from === ZERO) bytes.fill(0, at, at + run);
      else readSync(log, bytes, at, run, from);
      at += run;
    }
  };
  const read = (offset: number, length: number): Buffer => {
    const from = Math.floor(offset / SECTOR) * SECTOR;
    const bytes = Buffer.alloc(Math.ceil((offset + length - from) / SECTOR) * SECTOR);
    fill(bytes, from);
    return bytes.subarray(offset - from, offset - from + length);
  };
  return {
    moveTo: (cut) => {
      if (cut.durable < played) throw new Error("a disk plays forward only");
      for (; played < cut.durable; played++) apply(durable, entries[played]);
      volatile = new Map();
      for (const [at, index] of cut.extra.entries()) apply(volatile, entries[index], at === cut.extra.length - 1 ? cut.torn : undefined);
    },
    read,
    sourceOf: source,
    *written(from, to) {
      const inside = (sector: number): boolean => sector * SECTOR >= from && sector * SECTOR < to;
      const sectors = [...durable.keys(), ...[...volatile.keys()].filter((sector) => !durable.has(sector))].filter(inside);
      sectors.sort((a, b) => a - b);
      for (let at = 0; at < sectors.length;) {
        let run = 1;
        while (run < RUN_MAX && sectors[at + run] === (sectors[at] ?? 0) + run) run++;
        const offset = (sectors[at] ?? 0) * SECTOR;
        yield { offset, bytes: read(offset, run * SECTOR) };
        at += run;
      }
    },
  };
}

/** Sectors. */
const RUN_MAX = 2048;

function follows(first: number | undefined, other: number | undefined, distance: number): boolean {
  if (first === undefined || first === ZERO) return other === first;
  return other === first + distance;
}

function apply(sectors: Map<number, number>, entry: LogEntry | undefined, bytes = entry?.length ?? 0): void {
  if (entry === undefined || entry.kind === "flush") return;
  for (let at = 0; at < bytes; at += SECTOR) sectors.set((entry.start + at) / SECTOR, entry.kind === "write" ? entry.data + at : ZERO);
}
