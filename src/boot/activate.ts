/** Changes which generation starts next, and removes what none needs. */
import { closeSync, fsyncSync, openSync, readFileSync, readSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { AshlarError, hasErrno } from "#errors";
import { syncFolder } from "#sys/atomic.ts";
import { ENTRY_SECTOR, pad } from "./entry.ts";
import { isBlank, removeEntryFile, renameEntryFile, writeEntryFile } from "./entry-file.ts";
import { entryFileName, generationOf, parseEntryName } from "./entry-name.ts";
import type { BootErrorCode } from "./errors.ts";
import { ENTRIES, listEntries } from "./loader.ts";
import { namesIfThere } from "#sys/if-there.ts";

/**
 * Gives a generation another activation number; with the highest one it starts next. One sector is overwritten in place:
 * no space, no new name, no moment without the entry.
 * @throws E_ENTRY_MISSING, E_ENTRY_MALFORMED, E_ENTRY_TOO_LONG (numbers end at 999999)
 */
export function setActivation(esp: string, generation: number, activation: number): void {
  // A blank file is what a power cut left of the counted entry beside the good one.
  const fileNames = entriesOf(esp, generation).filter((name) => !isBlank(readFileSync(join(esp, ENTRIES, name))));
  if (fileNames.length === 0)
    throw new AshlarError<BootErrorCode>("E_ENTRY_MISSING", `${esp}/${ENTRIES} has no entry of generation ${generation}`, {
      hint: "`ashlar generations` lists those there are",
      details: { generation },
    });
  for (const fileName of fileNames) overwriteVersion(join(esp, ENTRIES, fileName), activation);
}

function overwriteVersion(path: string, activation: number): void {
  const fd = openSync(path, "r+");
  try {
    const sector = Buffer.alloc(ENTRY_SECTOR);
    const size = readSync(fd, sector, 0, ENTRY_SECTOR, 0);
    const line = /(?<=^|\n)version [0-9]{6}(?=\n)/.exec(sector.toString("latin1", 0, size));
    if (line === null)
      throw new AshlarError<BootErrorCode>("E_ENTRY_MALFORMED", `${path} has no version line in its first ${ENTRY_SECTOR} bytes`, {
        hint: "write the entry anew (`ashlar upgrade`)",
        details: { path },
      });
    sector.write(`version ${pad(activation)}`, line.index, "latin1");
    writeSync(fd, sector, 0, size, 0);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Takes the counter from the name of a generation's entry (it is good), or leaves it no try (the boot loader passes over it).
 * What is good must not be lost on the way: it gets a second entry before the first one goes. What is bad may be.
 */
export function setCounter(esp: string, generation: number, counter: "none" | "exhausted"): void {
  for (const name of entriesOf(esp, generation)) {
    const tries = parseEntryName(name)?.tries;
    // What is good has no counter to change.
    if (tries === undefined) continue;
    const wanted = entryFileName(generation, counter === "none" ? undefined : { left: 0, done: tries.done });
    if (name === wanted) continue;
    const [from, to] = [join(esp, ENTRIES, name), join(esp, ENTRIES, wanted)];
    if (counter === "exhausted" || !copied(from, to)) renameEntryFile(from, to);
    else removeEntryFile(from);
  }
  syncFolder(join(esp, ENTRIES));
}

/** @returns false when there is no room for another file */
function copied(from: string, to: string): boolean {
  try {
    writeEntryFile(to, readFileSync(from));
    return true;
  } catch (error) {
    if (!hasErrno(error, "ENOSPC")) throw error;
    rmSync(to, { force: true });
    return false;
  }
}

/** Removes the entry of a generation, whatever its counter says. @returns whether there was one */
export function removeEntry(esp: string, generation: number): boolean {
  const names = entriesOf(esp, generation);
  for (const name of names) removeEntryFile(join(esp, ENTRIES, name));
  if (names.length > 0) syncFolder(join(esp, ENTRIES));
  return names.length > 0;
}

/**
 * Removes the kernel folders that no entry names, and leftovers of an interrupted installation.
 * @returns names of the removed folders
 */
export function pruneKernels(esp: string): string[] {
  const home = join(esp, "ashlar");
  for (const name of leftovers(esp)) rmSync(join(esp, ENTRIES, name));
  // Any mention keeps a folder, also in an entry that cannot be parsed or is somebody else's.
  const texts = listEntries(esp).map((name) => readFileSync(join(esp, ENTRIES, name), "latin1"));
  const doomed = namesIfThere(home).filter(
    (folder) => /^[0-9a-f]{32}(\.new)?$/.test(folder) && !texts.some((text) => text.includes(`/ashlar/${folder}/`)),
  );
  for (const folder of doomed) rmSync(join(home, folder), { recursive: true });
  if (doomed.length > 0) syncFolder(home);
  return doomed;
}

/** Files of an interrupted command: written aside, blank, or the counted twin of an entry that is good by now. */
function leftovers(esp: string): string[] {
  const names = listEntries(esp);
  return names.filter((name) => {
    if (!name.startsWith("ashlar-")) return false;
    if (name.endsWith(".tmp")) return true;
    const parsed = parseEntryName(name);
    if (parsed === undefined || isBlank(readFileSync(join(esp, ENTRIES, name)))) return parsed !== undefined;
    const twin = parsed.tries === undefined ? undefined : names.find((other) => other === `${parsed.id}.conf`);
    return twin !== undefined && readFileSync(join(esp, ENTRIES, twin)).equals(readFileSync(join(esp, ENTRIES, name)));
  });
}

function entriesOf(esp: string, generation: number): string[] {
  return listEntries(esp).filter((name) => {
    const parsed = parseEntryName(name);
    return parsed !== undefined && generationOf(parsed.id) === generation;
  });
}
