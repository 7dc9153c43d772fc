/** Every order in which the writes to the ESP can reach it: FAT has no journal, and there are few of them. */
import type { GptPartition } from "#formats/gpt.ts";
import type { PowerCut } from "./power-cut-states.ts";
import type { Phase } from "./recording.ts";
import type { LogEntry } from "./write-log.ts";

/** All parts of at most this many writes; of more: the first ones, all but one, and each alone. */
const ALL_PARTS_MAX = 6;

/** Sorted by `durable`. Between two flushes only the writes to the ESP count. */
export function espCuts(entries: readonly LogEntry[], phases: readonly Phase[], { start, size }: GptPartition): PowerCut[] {
  const cuts: PowerCut[] = [];
  let durable = 0;
  let pending: number[] = [];
  const add = (): void => {
    // Where it is asked for, not where it is flushed, decides what may start.
    for (const extra of partsOf(pending)) {
      const last = entries[pending.at(-1) ?? 0];
      const phase = phases.find(({ end }) => last !== undefined && last.end <= end);
      if (phase !== undefined) cuts.push({ kind: "reordered", phase, durable, extra });
    }
  };
  for (const [index, entry] of entries.entries()) {
    if (entry.kind === "flush") {
      add();
      durable = index + 1;
      pending = [];
    } else if (entry.start < start + size && entry.start + entry.length > start) pending.push(index);
  }
  add();
  return cuts;
}

function partsOf(indexes: readonly number[]): number[][] {
  if (indexes.length === 0) return [];
  if (indexes.length <= ALL_PARTS_MAX)
    return Array.from({ length: 2 ** indexes.length }, (_, bits) => indexes.filter((_index, at) => ((bits >> at) & 1) === 1));
  return [
    ...indexes.map((_, at) => indexes.slice(0, at + 1)),
    ...indexes.map((index) => indexes.filter((other) => other !== index)),
    ...indexes.map((index) => [index]),
  ];
}
