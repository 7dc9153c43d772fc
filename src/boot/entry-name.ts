/**
 * File names of loader entries and the counters in them.
 * https://uapi-group.org/specifications/specs/boot_loader_specification/#boot-counting
 */
import { pad } from "./entry.ts";

export interface Tries {
  readonly left: number;
  readonly done: number;
}

export interface EntryName {
  /** Lower case, without counter and ".conf": what systemd-boot calls the entry. */
  readonly id: string;
  /** Absent when the entry is not counted: it is good. */
  readonly tries?: Tries | undefined;
}

/** `ashlar-000002+3.conf`; without a counter when `tries` is absent. */
export function entryFileName(generation: number, tries?: number | Tries): string {
  if (tries === undefined) return `ashlar-${pad(generation)}.conf`;
  const { left, done } = typeof tries === "number" ? { left: tries, done: 0 } : tries;
  return `ashlar-${pad(generation)}+${left}${done === 0 ? "" : `-${done}`}.conf`;
}

/** Reads a file name as systemd-boot does; undefined when it is not that of an entry. */
export function parseEntryName(fileName: string): EntryName | undefined {
  if (!/\.conf$/i.test(fileName) || fileName.startsWith(".")) return undefined;
  const stem = fileName.slice(0, -".conf".length);
  // Only the last "+" counts, and only when nothing but the two numbers follows.
  const [, id, left, done] = /^(.+)\+([0-9]{1,9})(?:-([0-9]{1,9}))?$/.exec(stem) ?? [];
  if (id === undefined) return { id: stem.toLowerCase() };
  return { id: id.toLowerCase(), tries: { left: Number(left), done: Number(done ?? 0) } };
}

/** The generation of one of Ashlar's entries, from its id. */
export function generationOf(id: string): number | undefined {
  const digits = /^ashlar-([0-9]{6})$/.exec(id)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
