/**
 * The EFI system partition after a power cut: its file system, what the boot loader would start (the product's own resolver
 * decides), and every kernel and initrd that an entry names, byte for byte against the name of their folder.
 */
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { kernelIdOf } from "#boot/kernel-id.ts";
import { ENTRIES, readLoader } from "#boot/loader.ts";
import type { GptPartition } from "#formats/gpt.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { FatError, openFat } from "./fat.ts";
import type { Fat, FatFile } from "./fat.ts";
import { followPartition } from "./partition-file.ts";
import type { ReplayedDisk } from "./replayed-disk.ts";
import { runTool } from "./tools.ts";
import type { EspEntry, EspVerdict } from "./verdict.ts";
import { SECTOR } from "./write-log.ts";

export interface EspContext {
  readonly disk: ReplayedDisk;
  readonly partition: GptPartition;
  readonly toolchain: Toolchain;
  /** A folder in memory. */
  readonly scratch: string;
}

/** What a power cut leaves on FAT, which has no journal, and harms nothing: by `fsck.fat -n`. */
const FSCK_EXPECTED = [
  /^fsck\.fat \d/,
  /Dirty bit is set|Fs was not properly unmounted|Automatically removing dirty bit|^\s*Not automatically/,
  /differences between boot sector and its backup|mostly harmless|^\s+\d+:[0-9a-f]{2}\/[0-9a-f]{2}|Differences: /,
  /^FATs differ|Using first FAT|^\s*Both FATs appear/,
  /Orphaned long file name part|Auto-deleting|Unused clusters|Reclaimed \d+ unused|Reclaiming unconnected clusters/,
  /Free cluster summary|Auto-correcting/,
  /^Leaving filesystem unchanged|\d+ files, \d+\/\d+ clusters/,
  /^$/,
];
const PIECE = 1 << 20;
const LOADER = ["EFI/BOOT", "EFI/systemd"] as const;
/** Paths that fsck.fat must have nothing to say of, in lower case. */
const NEEDED = ["/efi/", "/loader/loader.conf"] as const;

/** @returns a function that judges the disk as it is at the moment */
export function openEspChecker(context: EspContext): () => Promise<EspVerdict> {
  const kernels = new Map<string, string | undefined>();
  // fsck.fat -n only reads, so nothing has to be put back.
  const copy = followPartition(baseOf(context), context);
  return async () => {
    const { disk, partition, scratch } = context;
    const fat = openFat((offset, length) => disk.read(partition.start + offset, length));
    const esp = join(scratch, "esp");
    rmSync(esp, { recursive: true, force: true });
    mkdirSync(join(esp, ENTRIES), { recursive: true });
    const problems: string[] = [];
    const shown = new Set<string>();
    for (const file of fat.list(ENTRIES) ?? []) {
      const content = contentOf(file, fat);
      writeFileSync(join(esp, ENTRIES, file.name), content);
      if (/^linux /m.test(content.toString("latin1"))) shown.add(file.name);
    }
    const state = readLoader(esp);
    const entries: EspEntry[] = [];
    const needed: string[] = [...NEEDED];
    for (const { fileName, tries, entry, problem } of state.entries) {
      // The boot loader does not show an entry that names no kernel: it is there no more, or not yet.
      if (problem !== undefined && shown.has(fileName)) problems.push(problem);
      if (entry === undefined) continue;
      const startable = tries?.left !== 0;
      entries.push({ fileName, generation: entry.generation, image: entry.image, startable });
      if (!startable) continue;
      needed.push(`/${ENTRIES}/${fileName}`, `/ashlar/${entry.kernelId}/`);
      const why = kernelProblem(entry.kernelId, fat, { context, known: kernels });
      if (why !== undefined) problems.push(`${fileName}: ${why}`);
    }
    const isNeeded = (file: string): boolean => needed.some((path) => file.startsWith(path));
    copy.bring();
    problems.push(...(await fsckOf(copy.path, isNeeded, context.toolchain)));
    for (const folder of LOADER) if ((fat.list(folder) ?? []).length !== 1) problems.push(`${folder} has no boot loader`);
    return { problems, entries, next: state.next?.entry?.generation };
  };
}

/** As firmware reads it; nothing when it cannot. */
function contentOf(file: FatFile, fat: Fat): Buffer {
  try {
    return fat.read(file);
  } catch (error) {
    if (error instanceof FatError) return Buffer.alloc(0);
    throw error;
  }
}

function kernelProblem(
  kernelId: string,
  fat: Fat,
  { context, known }: { readonly context: EspContext; readonly known: Map<string, string | undefined> },
): string | undefined {
  const files = fat.list(`ashlar/${kernelId}`) ?? [];
  const [linux, initrd] = ["linux", "initrd"].map((name) => files.find((file) => file.name === name));
  if (linux === undefined || initrd === undefined) return `ashlar/${kernelId} has no ${linux === undefined ? "linux" : "initrd"}`;
  try {
    const key = `${kernelId} ${placesOf(linux, fat, context)} ${placesOf(initrd, fat, context)}`;
    if (!known.has(key))
      known.set(key, kernelIdOf(fat.read(linux), fat.read(initrd)) === kernelId ? undefined : `ashlar/${kernelId} has other content`);
    return known.get(key);
  } catch (error) {
    if (error instanceof FatError) return `ashlar/${kernelId}: ${error.message}`;
    throw error;
  }
}

/** Names the bytes of a file without reading them. */
function placesOf(file: FatFile, fat: Fat, { disk, partition }: EspContext): string {
  const places: string[] = [`${file.size}`];
  for (const { offset, length } of fat.ranges(file)) {
    places.push(`${offset}+${length}`);
    if (!disk.isTouched({ offset: partition.start + offset, length })) continue;
    const first = (partition.start + offset) / SECTOR;
    for (let sector = 0; sector * SECTOR < length; sector++) {
      const source = disk.sourceOf(first + sector);
      if (source !== undefined) places.push(`${sector}@${source}`);
    }
  }
  return places.join(" ");
}

/** What fsck.fat says of files that a start needs; what it says of others it puts in order when the machine mounts it. */
async function fsckOf(path: string, isNeeded: (file: string) => boolean, toolchain: Toolchain): Promise<string[]> {
  const { stdout, stderr } = await runTool(toolchain, "usr/sbin/fsck.fat", "-n", path);
  const said: string[] = [];
  let needed = true;
  for (const line of `${stdout.toString()}\n${stderr}`.split("\n")) {
    const [file] = /^\/\S*/.exec(line) ?? [];
    if (file !== undefined) needed = isNeeded(file.toLowerCase());
    // Lines about a file are indented.
    else if (!line.startsWith(" ")) needed = true;
    if (needed && !FSCK_EXPECTED.some((known) => known.test(line))) said.push(line.trim());
  }
  return said.length === 0 ? [] : [`fsck.fat: ${said.join(" ")}`];
}

/** The partition without its zeros, before the first write. */
function baseOf({ disk, partition, scratch }: EspContext): string {
  const path = join(scratch, "esp.img");
  const fd = openSync(path, "wx");
  try {
    const zeros = Buffer.alloc(PIECE);
    for (let offset = 0; offset < partition.size; offset += PIECE) {
      const bytes = disk.read(partition.start + offset, Math.min(PIECE, partition.size - offset));
      if (!bytes.equals(zeros.subarray(0, bytes.length))) writeSync(fd, bytes, 0, bytes.length, offset);
    }
    return path;
  } finally {
    closeSync(fd);
  }
}
