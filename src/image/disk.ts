/**
 * A disk image: made without root, loop devices or a special kernel, the same bytes from the same inputs.
 * ARCHITECTURE.md has the layout, docs/formats/disk.md the identifiers and options.
 */
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, ftruncateSync, mkdirSync, openSync, renameSync, rmSync, statSync, statfsSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { AshlarError } from "#errors";
import { writeGpt } from "#formats/gpt.ts";
import type { Gpt } from "#formats/gpt.ts";
import { formatCount } from "#report/format.ts";
import type { Reporter } from "#report/reporter.ts";
import type { Store, StoredFile } from "#store/store.ts";
import { syncFolder } from "#sys/atomic.ts";
import type { Toolchain } from "#toolchain/open.ts";
import type { Workspace } from "#workspace";
import { makeEsp } from "./disk-esp.ts";
import type { EspFile } from "./disk-esp.ts";
import { JOURNAL_SIZE, contentSize, layoutDisk } from "./disk-layout.ts";
import type { DiskErrorCode } from "./disk-layout.ts";
import { byDigest, makeRoot } from "./disk-root.ts";
import type { Image } from "./image.ts";

export interface DiskRequest {
  readonly image: Image;
  readonly store: Store;
  /** The set "build". */
  readonly toolchain: Toolchain;
  readonly workspace: Workspace;
  /** Path of the image file, replaced in one step. */
  readonly output: string;
  /** Bytes of the disk; by default room for the content and 2 GiB more. */
  readonly size?: number | undefined;
  readonly report: Reporter;
  /** Files of the ESP, the loader entry among them. */
  readonly espFiles: readonly EspFile[];
  /** The record of generation 1, as JSON. */
  readonly deployment: unknown;
  /** Every object that the image refers to; the image itself is added. */
  readonly objects: readonly StoredFile[];
}

/**
 * Writes the disk image.
 * @returns its apparent size in bytes; holes take no space
 * @throws E_DISK_TOO_SMALL, E_DISK_SPACE, E_DISK_ESP_FULL, E_DISK_OBJECT, E_DISK_VERITY
 */
export async function makeDisk(request: DiskRequest): Promise<{ bytes: number }> {
  const { image, store, toolchain, output } = request;
  const epoch = image.epoch;
  const objects = withImage(request);
  const layout = layoutDisk({ digest: image.digest, objects, size: request.size });
  checkSpace(request, contentSize(objects));
  const disk = `${output}.${randomBytes(6).toString("hex")}.tmp`;
  const scratch = join(request.workspace.work, `disk-${randomBytes(6).toString("hex")}`);
  mkdirSync(scratch, { recursive: true });
  try {
    createDisk(disk, layout.gpt);
    await request.report.step("make the disk", async (step) => {
      await bothOrFirstError([
        step.step("fill the ESP", () => makeEsp({ partition: layout.esp, disk, files: request.espFiles, scratch, epoch, toolchain })),
        step.step("fill the root file system", (step) =>
          makeRoot({
            partition: layout.root,
            disk,
            store,
            image: image.digest,
            objects,
            deployment: `${JSON.stringify(request.deployment, null, 2)}\n`,
            epoch,
            toolchain,
            step,
          }),
        ),
      ]);
      step.detail(formatCount(objects.length, "object"));
    });
    publish(disk, output);
    return { bytes: layout.gpt.diskSize };
  } finally {
    rmSync(disk, { force: true });
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Unlike `Promise.all`, waits for both: no tool may still write to files that are about to be removed. */
async function bothOrFirstError(parts: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(parts)) if (result.status === "rejected") throw result.reason;
}

function withImage({ image, store, objects }: DiskRequest): StoredFile[] {
  const all = new Map(objects.map((file) => [file.object, file]));
  all.set(image.digest, { object: image.digest, size: statSync(store.pathOf(image.digest)).size });
  return [...all.values()].sort(byDigest);
}

/** Checked before a byte is written. */
function checkSpace(request: DiskRequest, content: number): void {
  const folder = dirname(request.output);
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const needed = content + JOURNAL_SIZE + request.espFiles.reduce((sum, { content }) => sum + content.length, 0);
  if (free < needed)
    throw new AshlarError<DiskErrorCode>(
      "E_DISK_SPACE",
      `not enough space in ${folder} for the disk: ${needed} bytes needed, ${free} free`,
      {
        hint: "free some space, or write it elsewhere: ashlar disk -o FILE",
        details: { folder, needed, free },
      },
    );
}

function createDisk(path: string, gpt: Gpt): void {
  const { head, tail } = writeGpt(gpt);
  const fd = openSync(path, "wx");
  try {
    ftruncateSync(fd, gpt.diskSize);
    writeSync(fd, head, 0, head.length, 0);
    writeSync(fd, tail, 0, tail.length, gpt.diskSize - tail.length);
  } finally {
    closeSync(fd);
  }
}

function publish(disk: string, output: string): void {
  const fd = openSync(disk, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(disk, output);
  syncFolder(dirname(output));
}
