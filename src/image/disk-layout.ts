/**
 * Where things lie on a disk, and how large it has to be.
 *
 *   1 MiB                      ESP
 *   after it                   root, to the last whole MiB before the backup table
 */
import { hash } from "node:crypto";
import { AshlarError } from "#errors";
import { verityMetadataSize } from "#formats/ext4-verity.ts";
import { GPT_TAIL, PARTITION_TYPE } from "#formats/gpt.ts";
import type { Gpt, GptPartition } from "#formats/gpt.ts";
import type { StoredFile } from "#store/store.ts";

export type DiskErrorCode = "E_DISK_TOO_SMALL" | "E_DISK_SPACE" | "E_DISK_ESP_FULL" | "E_DISK_OBJECT" | "E_DISK_VERITY";

export const MIB = 1024 * 1024;
export const ESP_SIZE = 512 * MIB;
/** Free bytes of the root file system when no size is asked for: the next generations and /var. */
const DEFAULT_FREE = 2048 * MIB;

const BLOCK = 4096;
export const JOURNAL_SIZE = 64 * MIB;
/** Superblocks, descriptors, bitmaps, folders and what the estimate does not see. */
const SPARE = 16 * MIB;
export const BYTES_PER_INODE = 16384;
/** Folders, and the first files of /var and /etc. */
const SPARE_INODES = 4096;
/** mke2fs gives the journal at most half of a file system. */
const ROOT_MIN = 4 * JOURNAL_SIZE;
/** Inode tables (256 of every 16384 bytes) and reserved blocks (1 %), as a part of the file system. */
const USABLE = 0.97;

export interface DiskLayout {
  readonly gpt: Gpt;
  readonly esp: GptPartition;
  readonly root: GptPartition;
}

/**
 * The layout of a disk that holds `objects`.
 * @param request.digest of the image: every identifier of the disk is derived from it
 * @param request.size bytes of the disk; by default room for the content and 2 GiB more
 * @throws E_DISK_TOO_SMALL with the bytes needed
 */
export function layoutDisk(request: { digest: string; objects: readonly StoredFile[]; size: number | undefined }): DiskLayout {
  const needed = diskSizeFor(request.objects, 0);
  const diskSize = request.size === undefined ? diskSizeFor(request.objects, DEFAULT_FREE) : Math.floor(request.size / MIB) * MIB;
  if (diskSize < needed) throw tooSmall(diskSize, needed);
  const esp = {
    type: PARTITION_TYPE.esp,
    guid: diskUuid(request.digest, "esp"),
    name: "esp",
    start: MIB,
    size: ESP_SIZE,
  };
  const start = esp.start + esp.size;
  const root = {
    type: PARTITION_TYPE["root-x86-64"],
    guid: diskUuid(request.digest, "root"),
    name: "ashlar",
    start,
    size: Math.floor((diskSize - GPT_TAIL - start) / MIB) * MIB,
  };
  return { gpt: { guid: diskUuid(request.digest, "disk"), diskSize, partitions: [esp, root] }, esp, root };
}

/** A UUID that depends on the image and a purpose only (RFC 9562 version 8), so that a disk made twice is the same. */
export function diskUuid(digest: string, purpose: string): string {
  const bytes = hash("sha256", `ashlar disk ${purpose} ${digest}`, "buffer");
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString("hex", 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Bytes that a disk's content takes on the disk that holds the image file: holes cost nothing. */
export function contentSize(objects: readonly StoredFile[]): number {
  return objects.reduce((sum, { size }) => sum + Math.ceil(size / BLOCK) * BLOCK + verityMetadataSize(size), 0);
}

function tooSmall(size: number, needed: number): AshlarError<DiskErrorCode> {
  const mib = Math.ceil(needed / MIB);
  return new AshlarError("E_DISK_TOO_SMALL", `a disk of ${size} bytes is too small: at least ${needed} bytes are needed`, {
    hint: `ashlar disk --size ${mib}M`,
    details: { size, needed },
  });
}

function diskSizeFor(objects: readonly StoredFile[], free: number): number {
  const content = contentSize(objects) + JOURNAL_SIZE + SPARE;
  const inodes = (objects.length + SPARE_INODES) * BYTES_PER_INODE;
  const root = Math.max(ROOT_MIN, (content + free) / USABLE, inodes + free);
  return MIB + ESP_SIZE + Math.ceil(root / MIB) * MIB + MIB;
}
