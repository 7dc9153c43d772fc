/** The ESP: FAT32 made by mkfs.fat, filled by mtools, neither of which mounts anything. */
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { AshlarError } from "#errors";
import { SECTOR } from "#formats/gpt.ts";
import type { GptPartition } from "#formats/gpt.ts";
import { compareBytes } from "#formats/bytes.ts";
import { runInToolchain } from "#toolchain/sandbox.ts";
import type { Toolchain } from "#toolchain/open.ts";
import type { DiskErrorCode } from "./disk-layout.ts";

export interface EspFile {
  /** Relative, with slashes: "loader/loader.conf". */
  readonly path: string;
  readonly content: Buffer;
}

export interface EspRequest {
  readonly partition: GptPartition;
  /** The disk's file. */
  readonly disk: string;
  readonly files: readonly EspFile[];
  /** An empty folder for copies. */
  readonly scratch: string;
  /** Seconds since 1970 of every file. */
  readonly epoch: number;
  readonly toolchain: Toolchain;
}

const DISK = "/tmp/disk.img";
const FILES = "/tmp/esp";
/** FATs, folders and what is lost in clusters. */
const OVERHEAD = 4 * 1024 * 1024;

/**
 * Formats the partition and writes its files, in byte order of their paths.
 * @throws E_DISK_ESP_FULL
 */
export async function makeEsp(request: EspRequest): Promise<void> {
  const { partition, epoch } = request;
  const needed = request.files.reduce((sum, { content }) => sum + content.length, OVERHEAD);
  if (needed > partition.size)
    throw new AshlarError<DiskErrorCode>("E_DISK_ESP_FULL", `the ESP of ${partition.size} bytes is too small: ${needed} bytes are needed`, {
      hint: "leave modules out of the initrd (kernel.modules)",
      details: { size: partition.size, needed },
    });
  const files = [...request.files].sort((a, b) => compareBytes(a.path, b.path));
  stage(files, request.scratch, epoch);
  const run = (program: string, args: readonly string[]): Promise<unknown> =>
    runInToolchain(request.toolchain, program, args, {
      binds: [
        { from: request.disk, to: DISK },
        { from: request.scratch, to: FILES, readonly: true },
      ],
      env: { SOURCE_DATE_EPOCH: `${epoch}` },
    });
  const volume = partition.guid.slice(0, 8);
  const offset = ["--offset", `${partition.start / SECTOR}`, DISK, `${partition.size / 1024}`];
  await run("/usr/sbin/mkfs.fat", ["--invariant", "-F", "32", "-i", volume, "-n", "ESP", ...offset]);
  const image = ["-i", `${DISK}@@${partition.start}`];
  const folders = foldersOf(files);
  await run("/usr/bin/mmd", [...image, ...folders.map((folder) => `::${folder}`)]);
  for (const folder of folders) {
    const inside = files.filter(({ path }) => dirname(path) === folder).map(({ path }) => join(FILES, path));
    if (inside.length > 0) await run("/usr/bin/mcopy", ["-m", ...image, ...inside, `::${folder}`]);
  }
}

function stage(files: readonly EspFile[], scratch: string, epoch: number): void {
  for (const { path, content } of files) {
    const at = join(scratch, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, content);
    utimesSync(at, epoch, epoch);
  }
}

/** Every folder above a file, parents first. */
function foldersOf(files: readonly EspFile[]): string[] {
  const folders = new Set<string>();
  for (const { path } of files) for (let at = dirname(path); at !== "."; at = dirname(at)) folders.add(at);
  return [...folders].sort(compareBytes);
}
