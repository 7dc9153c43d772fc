/** The order of systemd-boot's menu; the first entry starts when nothing else was chosen. Same in systemd 257 and 262. */
import { compareBytes } from "#formats/bytes.ts";
import { compareVersions } from "#formats/version-order.ts";
import type { Tries } from "./entry-name.ts";

/** What the order depends on. */
export interface OrderedEntry {
  readonly id: string;
  readonly tries?: Tries | undefined;
  readonly sortKey?: string | undefined;
  readonly machineId?: string | undefined;
  readonly version?: string | undefined;
}

/** Entries as systemd-boot lists them, first one first. */
export function sortEntries<Entry extends OrderedEntry>(entries: readonly Entry[]): Entry[] {
  return [...entries].sort(compareEntries);
}

/** The entry that starts next: the first of the order, also when all are out of tries. */
export function nextEntry<Entry extends OrderedEntry>(entries: readonly Entry[]): Entry | undefined {
  return sortEntries(entries)[0];
}

function compareEntries(a: OrderedEntry, b: OrderedEntry): number {
  return (
    // 1. Out of tries: last.
    Number(a.tries?.left === 0) - Number(b.tries?.left === 0) ||
    // 2. With a sort-key: first. 3. and 4. Sort-key and machine id rise. 5. The version falls.
    Number(a.sortKey === undefined) - Number(b.sortKey === undefined) ||
    (a.sortKey === undefined
      ? 0
      : compareBytes(a.sortKey, b.sortKey ?? "") ||
        compareBytes(a.machineId ?? "", b.machineId ?? "") ||
        compareVersions(b.version ?? "", a.version ?? "")) ||
    // 6. The id falls.
    compareVersions(b.id, a.id) ||
    // 7. Of two that are counted: more tries left first, then fewer done.
    (a.tries === undefined || b.tries === undefined ? 0 : b.tries.left - a.tries.left || a.tries.done - b.tries.done)
  );
}
