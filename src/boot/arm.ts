/**
 * Puts a generation on the ESP. Kernel and initrd come first and are made durable; the entry, which makes systemd-boot look
 * at them, comes last. A power cut at any moment leaves the old entries as they were.
 */
import { createHash } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { AshlarError, hasErrno } from "#errors";
import type { Image } from "#image/image.ts";
import { syncFolder } from "#sys/atomic.ts";
import { writeAll } from "#sys/write-all.ts";
import { renderEntry } from "./entry.ts";
import { removeEntryFile, writeEntryFile } from "./entry-file.ts";
import { entryFileName, generationOf, parseEntryName } from "./entry-name.ts";
import type { BootErrorCode } from "./errors.ts";
import { entryOf } from "./esp.ts";
import { kernelIdOf } from "./kernel-id.ts";
import { ENTRIES, listEntries } from "./loader.ts";

export interface KernelFiles {
  readonly linux: Buffer;
  readonly initrd: Buffer;
}

export interface InstallOptions {
  readonly generation: number;
  /** Higher than every other entry's, or this one does not start next. */
  readonly activation: number;
  readonly kernelFiles: KernelFiles;
}

/** Room for folders, the entry and its aside copy, in clusters. */
const SPARE_CLUSTERS = 8;

/**
 * Installs the entry of a generation, on trial with `image.boot.tries`.
 * @param esp where the ESP is mounted
 * @returns the entry's file name
 * @throws E_ESP_FULL before anything is written; E_BOOT_NO_KERNEL, E_ESP_WRITE
 */
export function installEntry(esp: string, image: Image, options: InstallOptions): string {
  const { generation, activation, kernelFiles } = options;
  const kernelId = kernelIdOf(kernelFiles.linux, kernelFiles.initrd);
  const entry = renderEntry(entryOf(image, { generation, activation, kernelId }));
  // Asked once: it reads and hashes both files.
  const present = hasKernel(esp, kernelId, kernelFiles);
  requireSpace(esp, spaceFor(esp, kernelFiles, present));
  const fileName = entryFileName(generation, image.boot.tries);
  try {
    if (!present) writeKernel(esp, kernelId, kernelFiles);
    // "x.conf" and "x+3.conf" must never exist together: blessing would do nothing, and a good entry run out of tries.
    for (const old of listEntries(esp)) {
      const name = parseEntryName(old);
      if (name !== undefined && generationOf(name.id) === generation && old !== fileName) removeEntryFile(join(esp, ENTRIES, old));
    }
    mkdirSync(join(esp, ENTRIES), { recursive: true });
    writeEntryFile(join(esp, ENTRIES, fileName), entry);
  } catch (cause) {
    throw new AshlarError<BootErrorCode>("E_ESP_WRITE", `cannot write generation ${generation} to ${esp}: ${String(cause)}`, {
      cause,
      hint: `look at the kernel's messages (\`dmesg\`) and check the file system (\`fsck.vfat -n\` on the device of ${esp})`,
    });
  }
  return fileName;
}

/**
 * Bytes that {@link installEntry} will need at most, and those that are free. 0 needed besides the entry when the kernel is there.
 */
export function espSpace(esp: string, kernelFiles: KernelFiles): EspSpace {
  return spaceFor(esp, kernelFiles, hasKernel(esp, kernelIdOf(kernelFiles.linux, kernelFiles.initrd), kernelFiles));
}

interface EspSpace {
  readonly needed: number;
  readonly free: number;
}

function spaceFor(esp: string, kernelFiles: KernelFiles, present: boolean): EspSpace {
  const { bsize, bavail } = statfsSync(esp);
  const clusters = (bytes: number): number => Math.ceil(bytes / bsize);
  const files = present ? 0 : clusters(kernelFiles.linux.length) + clusters(kernelFiles.initrd.length);
  return { needed: (files + SPARE_CLUSTERS) * bsize, free: bavail * bsize };
}

function requireSpace(esp: string, { needed, free }: EspSpace): void {
  if (needed <= free) return;
  throw new AshlarError<BootErrorCode>(
    "E_ESP_FULL",
    `${esp} has ${free} bytes free, and the kernel and initrd need ${needed}; nothing was changed`,
    {
      hint: "remove generations that you do not need (`ashlar collect`)",
      details: { path: esp, needed, free },
    },
  );
}

/** True when both files are there, byte for byte: FAT has no checksums, so a damaged copy is written anew. */
function hasKernel(esp: string, kernelId: string, files: KernelFiles): boolean {
  try {
    const at = (name: string): Buffer => readFileSync(join(esp, "ashlar", kernelId, name));
    return sha256(at("linux")) === sha256(files.linux) && sha256(at("initrd")) === sha256(files.initrd);
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return false;
    throw error;
  }
}

/** Under its own name from the start: no entry names it yet, or only ones that a damaged copy has broken anyway. */
export function writeKernel(esp: string, kernelId: string, files: KernelFiles): void {
  const folder = join(esp, "ashlar", kernelId);
  mkdirSync(folder, { recursive: true });
  writeDurably(join(folder, "linux"), files.linux);
  writeDurably(join(folder, "initrd"), files.initrd);
  for (const each of [folder, join(esp, "ashlar"), esp]) syncFolder(each);
}

function writeDurably(path: string, content: Buffer): void {
  const fd = openSync(path, "w", 0o600);
  try {
    writeAll(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
