/** Whether a generation fits, on both file systems, before anything is fetched; and its space, held until it is written. */
import { statfsSync } from "node:fs";
import { AshlarError, hasErrno } from "#errors";
import type { Image } from "#image/image.ts";
import type { ReleaseObject } from "#registry/release.ts";
import { formatBytes } from "#report/format.ts";
import type { Store } from "#store/store.ts";
import type { DeploymentErrorCode } from "./errors.ts";
import type { KernelFiles, Loader } from "./loader.ts";
import type { Machine } from "./machine.ts";
import { reserve } from "./reservation.ts";
import type { Reservation } from "./reservation.ts";

/** Left free for records, folders of objects and the machine's own work, in bytes. */
const RESERVE = 32 * 1024 * 1024;
const RESERVE_INODES = 300;
const BLOCK = 4096;
/** A Merkle tree has a 32-byte digest for each block, on all levels. */
const HASHES_PER_BLOCK = 127;

/** Space of one staging. Both parts end with it. */
export interface StagingSpace {
  /** What is there of the new objects: a part from 0 to 1. So much of what was held is given back. */
  arrived(part: number): void;
  /** The ESP's clusters are about to be written: gives them back. */
  installing(): void;
  [Symbol.dispose](): void;
}

/** Objects that are on their way at one time are written to space that is free, besides what is held. */
const IN_FLIGHT = 16;

/**
 * Checks that an update fits and holds its space on both file systems, so that it still fits when it has been fetched.
 * @throws E_STAGE_SPACE, E_STAGE_INODES, E_ESP_FULL with the bytes that are needed and free
 */
export function holdSpace(
  request: { readonly image: Image; readonly objects: readonly ReleaseObject[] },
  context: { readonly machine: Machine; readonly loader: Loader; readonly store: Store },
): StagingSpace {
  const { objects, esp } = requireSpace(request, context);
  const total = objects.reduce((sum, size) => sum + size, 0);
  const flying = objects
    .sort((a, b) => b - a)
    .slice(0, IN_FLIGHT)
    .reduce((sum, size) => sum + size, 0);
  const store = reserved(context.machine.store, total - flying, "E_STAGE_SPACE");
  const boot = reserved(context.loader.esp, esp, "E_ESP_FULL");
  return {
    arrived: (part) => store.keep(Math.floor(total * (1 - part)) - flying),
    installing: () => boot.keep(0),
    [Symbol.dispose]: () => {
      store[Symbol.dispose]();
      boot[Symbol.dispose]();
    },
  };
}

function reserved(folder: string, bytes: number, code: "E_STAGE_SPACE" | "E_ESP_FULL"): Reservation {
  try {
    return reserve(folder, bytes, { whole: code === "E_ESP_FULL" });
  } catch (error) {
    if (!hasErrno(error, "ENOSPC")) throw error;
    const { bavail, bsize } = statfsSync(folder);
    throw full(code, folder, { needed: bytes, free: bavail * bsize, what: "what it brings" });
  }
}

/** @returns bytes on the disk of each new object, and of the files on the ESP */
function requireSpace(
  request: { readonly image: Image; readonly objects: readonly ReleaseObject[] },
  context: { readonly machine: Machine; readonly loader: Loader; readonly store: Store },
): { readonly objects: number[]; readonly esp: number } {
  const { machine, loader, store } = context;
  const missing = request.objects.filter(({ object }) => !store.has(object));
  const { bavail, bsize, ffree, files } = statfsSync(machine.store);
  const sizes = missing.map(({ size }) => onDisk(size));
  const needed = sizes.reduce((sum, size) => sum + size, 0) + (missing.length === 0 ? 0 : RESERVE);
  if (needed > bavail * bsize)
    throw full("E_STAGE_SPACE", machine.store, { needed, free: bavail * bsize, what: `${missing.length} new objects` });
  // Some file systems make inodes as they go and say 0 of 0.
  if (files > 0 && missing.length + RESERVE_INODES > ffree)
    throw new AshlarError<DeploymentErrorCode>(
      "E_STAGE_INODES",
      `${machine.store}: the update brings ${missing.length} files, the file system has room for ${ffree} more`,
      {
        hint: "`ashlar collect` frees what no generation needs; nothing was changed",
        details: { path: machine.store, needed: missing.length, free: ffree },
      },
    );
  const esp = loader.space(kernelFiles(request.image, request.objects, store));
  if (esp.needed > esp.free) throw full("E_ESP_FULL", loader.esp, { ...esp, what: "kernel and initrd" });
  return { objects: sizes, esp: esp.needed };
}

/** Those that are here as they are; those that are not as zeros of their size, which no kernel on the ESP equals. */
function kernelFiles(image: Image, objects: readonly ReleaseObject[], store: Store): KernelFiles {
  const { kernel } = image;
  if (kernel === undefined) return { linux: Buffer.alloc(0), initrd: Buffer.alloc(0) };
  const content = (id: typeof kernel.linux): Buffer =>
    store.has(id) ? store.read(id) : Buffer.alloc(objects.find(({ object }) => object === id)?.size ?? 0);
  return { linux: content(kernel.linux), initrd: content(kernel.initrd) };
}

function onDisk(size: number): number {
  const blocks = Math.ceil(size / BLOCK);
  // Descriptor and Merkle tree lie behind the content; ext4 puts them at the next 64 KiB boundary but leaves a hole between.
  return (blocks + Math.ceil(blocks / HASHES_PER_BLOCK) + 1) * BLOCK;
}

function full(
  code: "E_STAGE_SPACE" | "E_ESP_FULL",
  path: string,
  { needed, free, what }: { readonly needed: number; readonly free: number; readonly what: string },
): AshlarError<DeploymentErrorCode> {
  return new AshlarError(
    code,
    `${path}: the update needs ${formatBytes(needed)} for ${what} (${needed} bytes), ${formatBytes(free)} are free (${free} bytes)`,
    {
      hint: "`ashlar collect` frees what no generation needs, `ashlar unpin N` lets it take more; nothing was changed",
      details: { path, needed, free },
    },
  );
}
