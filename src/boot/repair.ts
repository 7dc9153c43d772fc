/** Kernel and initrd on the ESP against what they should be. FAT has no checksums, so only a comparison finds a flipped byte. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { hasErrno } from "#errors";
import { writeAll } from "#sys/write-all.ts";
import { writeKernel } from "./arm.ts";
import type { KernelFiles } from "./arm.ts";
import { kernelIdOf } from "./kernel-id.ts";

/** Paths of the files that are missing or differ. */
export function damagedKernelFiles(esp: string, files: KernelFiles): string[] {
  return filesOf(esp, files)
    .filter(({ path, content }) => !contentOf(path)?.equals(content))
    .map(({ path }) => path);
}

/**
 * Writes what is damaged again. A file of the right size is overwritten in place, which needs no space; a power cut
 * meanwhile leaves it damaged, as it was. @returns paths of what was written
 */
export function repairKernel(esp: string, files: KernelFiles): string[] {
  const damaged = damagedKernelFiles(esp, files);
  const inPlace = filesOf(esp, files).filter(({ path }) => damaged.includes(path));
  if (inPlace.every(({ path, content }) => existsSync(path) && statSync(path).size === content.length))
    for (const { path, content } of inPlace) overwrite(path, content);
  else writeKernel(esp, kernelIdOf(files.linux, files.initrd), files);
  return damaged;
}

function filesOf(esp: string, files: KernelFiles): { readonly path: string; readonly content: Buffer }[] {
  const folder = join(esp, "ashlar", kernelIdOf(files.linux, files.initrd));
  return [
    { path: join(folder, "linux"), content: files.linux },
    { path: join(folder, "initrd"), content: files.initrd },
  ];
}

function contentOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "EIO")) return undefined;
    throw error;
  }
}

function overwrite(path: string, content: Buffer): void {
  const fd = openSync(path, "r+");
  try {
    writeAll(fd, content, 0);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
