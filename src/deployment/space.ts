/** Whether a generation fits, on both file systems, before anything is fetched. */
import { statfsSync } from "node:fs";
import { AshlarError } from "#errors";
import type { Image } from "#image/image.ts";
import type { ReleaseObject } from "#registry/release.ts";
import { formatBytes } from "#report/format.ts";
import type { Store } from "#store/store.ts";
import type { DeploymentErrorCode } from "./errors.ts";
import type { KernelFiles, Loader } from "./loader.ts";
import type { Machine } from "./machine.ts";

/** Left free for records, folders of objects and the machine's own work, in bytes. */
const RESERVE = 32 * 1024 * 1024;
const RESERVE_INODES = 300;
const BLOCK = 4096;
/** A Merkle tree has a 32-byte digest for each block, on all levels. */
const HASHES_PER_BLOCK = 127;

/**
 * @throws E_STAGE_SPACE, E_STAGE_INODES, E_ESP_FULL with the bytes that are needed and free
 */
export function requireSpace(
  request: { readonly image: Image; readonly objects: readonly ReleaseObject[] },
  context: { readonly machine: Machine; readonly loader: Loader; readonly store: Store },
): void {
  const { machine, loader, store } = context;
  const missing = request.objects.filter(({ object }) => !store.has(object));
  const { bavail, bsize, ffree, files } = statfsSync(machine.store);
  const needed = missing.reduce((sum, { size }) => sum + onDisk(size), 0) + (missing.length === 0 ? 0 : RESERVE);
  if (needed > bavail * bsize) throw full("E_STAGE_SPACE", machine.store, needed, bavail * bsize, `${missing.length} new objects`);
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
  if (esp.needed > esp.free) throw full("E_ESP_FULL", loader.esp, esp.needed, esp.free, "kernel and initrd");
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
  needed: number,
  free: number,
  what: string,
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
