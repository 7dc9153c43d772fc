/** Reads what systemd-boot would see on an ESP. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { BootEntry } from "./entry.ts";
import { SORT_KEY, parseEntry, parseFields } from "./entry.ts";
import { isBlank } from "./entry-file.ts";
import { generationOf, parseEntryName } from "./entry-name.ts";
import type { EntryName } from "./entry-name.ts";
import { nextEntry, sortEntries } from "./order.ts";
import type { OrderedEntry } from "./order.ts";
import { namesIfThere } from "#sys/if-there.ts";

/** One file of loader/entries. */
export interface LoaderEntry extends OrderedEntry, EntryName {
  readonly fileName: string;
  /** Absent for entries that are not Ashlar's, and for damaged ones: see `problem`. */
  readonly entry?: BootEntry;
  /** Why an entry with Ashlar's name could not be read. */
  readonly problem?: string;
  /** False when it names nothing to start: the boot loader does not show it then. */
  readonly shown: boolean;
}

export interface LoaderState {
  /** In the order of the menu. */
  readonly entries: readonly LoaderEntry[];
  /** What starts when nobody chooses. */
  readonly next: LoaderEntry | undefined;
  /** The highest activation number of all entries; 0 when there is none. The next one is higher. */
  readonly activation: number;
}

/** Boot Loader Specification: one of these says what an entry starts. */
const STARTS = ["linux", "efi", "uki", "uki-url"] as const;
/** Where entries are, below the ESP. */
export const ENTRIES = "loader/entries";
/** Entries are a few hundred bytes; nothing larger is read whole. */
const ENTRY_SIZE_MAX = 64 * 1024;

/**
 * Lists the entries of an ESP.
 * @param esp where it is mounted ("/efi")
 * @throws system errors other than a missing loader/entries
 */
export function readLoader(esp: string): LoaderState {
  const found: LoaderEntry[] = [];
  for (const fileName of listEntries(esp)) {
    const name = parseEntryName(fileName);
    if (name === undefined) continue;
    const content = readFileSync(join(esp, ENTRIES, fileName));
    if (!isBlank(content)) found.push(describe(name, fileName, content));
  }
  const entries = sortEntries(withoutTwins(found));
  const activation = Math.max(0, ...entries.map(({ entry }) => entry?.activation ?? 0));
  return { entries, next: nextEntry(entries.filter(({ shown }) => shown)), activation };
}

/** A power cut while a generation was found good leaves its counted entry beside the new one; the boot loader may take either. */
function withoutTwins(entries: readonly LoaderEntry[]): LoaderEntry[] {
  const good = new Set(entries.filter(({ tries, entry }) => tries === undefined && entry !== undefined).map(({ id }) => id));
  return entries.filter(({ id, tries }) => tries === undefined || !good.has(id));
}

/** Names in loader/entries, sorted. */
export function listEntries(esp: string): string[] {
  return namesIfThere(join(esp, ENTRIES));
}

function describe(name: EntryName, fileName: string, content: Buffer): LoaderEntry {
  const text = content.subarray(0, ENTRY_SIZE_MAX).toString();
  const fields = parseFields(text);
  const shown = STARTS.some((key) => fields.has(key));
  const base = {
    ...name,
    fileName,
    sortKey: fields.get("sort-key"),
    machineId: fields.get("machine-id"),
    version: fields.get("version"),
    shown,
  };
  const generation = generationOf(name.id);
  if (generation === undefined) return base;
  try {
    const entry = parseEntry(text, fileName);
    if (entry.generation !== generation || base.sortKey !== SORT_KEY)
      return { ...base, problem: `${fileName} speaks of generation ${entry.generation}` };
    return { ...base, entry };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "E_ENTRY_MALFORMED") return { ...base, problem: error.message };
    throw error;
  }
}
