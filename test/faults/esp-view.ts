/** What the boot loader would find on a FAT file system, by the product's own resolver. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { kernelIdOf } from "#boot/kernel-id.ts";
import { ENTRIES, readLoader } from "#boot/loader.ts";
import type { GptPartition } from "#formats/gpt.ts";
import { FatError } from "./fat.ts";
import type { Fat, FatFile } from "./fat.ts";
import type { ReplayedDisk } from "./replayed-disk.ts";
import type { EspEntry, EspVerdict } from "./verdict.ts";
import { SECTOR } from "./write-log.ts";

export interface EspScene {
  readonly disk: ReplayedDisk;
  readonly partition: GptPartition;
  /** A folder in memory. */
  readonly scratch: string;
}

export interface EspView {
  readonly verdict: EspVerdict;
  /** What entries name that may start: folders of kernels, in lower case. */
  readonly kernels: readonly string[];
}

const LOADER = ["EFI/BOOT", "EFI/systemd"] as const;

/** @param known what is wrong with kernels whose bytes were compared before, by where on the disk they are */
export function viewEsp(fat: Fat, scene: EspScene, known: Map<string, string | undefined>): EspView {
  const esp = join(scene.scratch, "esp");
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
  const kernels: string[] = [];
  for (const { fileName, tries, entry, problem } of state.entries) {
    // The boot loader does not show an entry that names no kernel: it is there no more, or not yet.
    if (problem !== undefined && shown.has(fileName)) problems.push(problem);
    if (entry === undefined) continue;
    const startable = tries?.left !== 0;
    entries.push({ fileName, generation: entry.generation, image: entry.image, startable });
    if (!startable) continue;
    kernels.push(`/ashlar/${entry.kernelId}/`);
    const why = kernelProblem(entry.kernelId, fat, { scene, known });
    if (why !== undefined) problems.push(`${fileName}: ${why}`);
  }
  for (const folder of LOADER) if ((fat.list(folder) ?? []).length !== 1) problems.push(`${folder} has no boot loader`);
  return { verdict: { problems, entries, next: state.next?.entry?.generation }, kernels };
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
  { scene, known }: { readonly scene: EspScene; readonly known: Map<string, string | undefined> },
): string | undefined {
  const files = fat.list(`ashlar/${kernelId}`) ?? [];
  const [linux, initrd] = ["linux", "initrd"].map((name) => files.find((file) => file.name === name));
  if (linux === undefined || initrd === undefined) return `ashlar/${kernelId} has no ${linux === undefined ? "linux" : "initrd"}`;
  try {
    const key = `${kernelId} ${placesOf(linux, fat, scene)} ${placesOf(initrd, fat, scene)}`;
    if (!known.has(key))
      known.set(key, kernelIdOf(fat.read(linux), fat.read(initrd)) === kernelId ? undefined : `ashlar/${kernelId} has other content`);
    return known.get(key);
  } catch (error) {
    if (error instanceof FatError) return `ashlar/${kernelId}: ${error.message}`;
    throw error;
  }
}

/** Names the bytes of a file without reading them. */
function placesOf(file: FatFile, fat: Fat, { disk, partition }: EspScene): string {
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
