/**
 * The EFI system partition after a power cut: its file system, what the boot loader would start (the product's own resolver
 * decides), and every kernel and initrd that an entry names, byte for byte against the name of their folder.
 */
import { mkdirSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { kernelIdOf } from "#boot/kernel-id.ts";
import { ENTRIES, readLoader } from "#boot/loader.ts";
import type { GptPartition } from "#formats/gpt.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { openFat } from "./fat.ts";
import type { Fat, FatFile } from "./fat.ts";
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
const LOADER = ["EFI/BOOT", "EFI/systemd"] as const;

/** @returns a function that judges the disk as it is at the moment */
export function openEspChecker(context: EspContext): () => Promise<EspVerdict> {
  const kernels = new Map<string, string | undefined>();
  const copy = openCopy(context);
  return async () => {
    const { disk, partition, scratch } = context;
    const fat = openFat((offset, length) => disk.read(partition.start + offset, length));
    const fsck = await fsckOf(copy.path(), context.toolchain);
    const esp = join(scratch, "esp");
    rmSync(esp, { recursive: true, force: true });
    mkdirSync(join(esp, ENTRIES), { recursive: true });
    const problems: string[] = [...fsck];
    for (const file of fat.list(ENTRIES) ?? [])
      try {
        writeFileSync(join(esp, ENTRIES, file.name), fat.read(file));
      } catch (error) {
        problems.push(`entry ${file.name}: ${String(error)}`);
      }
    const state = readLoader(esp);
    const entries: EspEntry[] = [];
    for (const { fileName, tries, entry, problem } of state.entries) {
      if (problem !== undefined) problems.push(problem);
      if (entry === undefined) continue;
      const startable = tries?.left !== 0;
      entries.push({ fileName, generation: entry.generation, image: entry.image, startable });
      const why = startable ? kernelProblem(entry.kernelId, fat, { context, known: kernels }) : undefined;
      if (why !== undefined) problems.push(`${fileName}: ${why}`);
    }
    for (const folder of LOADER) if ((fat.list(folder) ?? []).length !== 1) problems.push(`${folder} has no boot loader`);
    return { problems, entries, next: state.next?.entry?.generation };
  };
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
    return `ashlar/${kernelId}: ${String(error)}`;
  }
}

/** Names the bytes of a file without reading them. */
function placesOf(file: FatFile, fat: Fat, { disk, partition }: EspContext): string {
  const places: string[] = [`${file.size}`];
  for (const { offset, length } of fat.ranges(file)) {
    places.push(`${offset}+${length}`);
    const first = (partition.start + offset) / SECTOR;
    for (let sector = 0; sector * SECTOR < length; sector++) {
      const source = disk.sourceOf(first + sector);
      if (source !== undefined) places.push(`${sector}@${source}`);
    }
  }
  return places.join(" ");
}

async function fsckOf(path: string, toolchain: Toolchain): Promise<string[]> {
  const { stdout, stderr } = await runTool(toolchain, "usr/sbin/fsck.fat", "-n", path);
  const said = `${stdout.toString()}\n${stderr}`.split("\n").filter((line) => !FSCK_EXPECTED.some((known) => known.test(line)));
  return said.length === 0 ? [] : [`fsck.fat: ${said.map((line) => line.trim()).join(" ")}`];
}

/** fsck.fat -n only reads, so one copy follows the disk. */
function openCopy({ disk, partition, scratch }: EspContext): { path: () => string } {
  const path = join(scratch, "esp.img");
  const fd = openSync(path, "wx");
  const PIECE = 1 << 20;
  const zeros = Buffer.alloc(PIECE);
  const write = (offset: number, bytes: Buffer): void => void writeSync(fd, bytes, 0, bytes.length, offset);
  for (let offset = 0; offset < partition.size; offset += PIECE) {
    const bytes = disk.read(partition.start + offset, Math.min(PIECE, partition.size - offset));
    if (!bytes.equals(zeros.subarray(0, bytes.length)) || offset + PIECE >= partition.size) write(offset, bytes);
  }
  let changed = new Map<number, number>();
  return {
    path: () => {
      const now = new Map<number, number>();
      for (const { offset, bytes } of disk.written(partition.start, partition.start + partition.size)) {
        write(offset - partition.start, bytes);
        now.set(offset, bytes.length);
      }
      // What an earlier state had and this one has not.
      for (const [offset, length] of changed)
        if ((now.get(offset) ?? 0) < length) write(offset - partition.start, disk.read(offset, length));
      changed = now;
      return path;
    },
  };
}
