/** Differences and packs of a release in its folder, before anything names the release. */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { DeltaError } from "#formats/delta/errors.ts";
import type { Image } from "#image/image.ts";
import { formatBytes } from "#report/format.ts";
import type { Reporter } from "#report/reporter.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import { writeAll } from "#sys/write-all.ts";
import { objectPath } from "../layout.ts";
import type { Release } from "../release.ts";
import { parseIndex, renderIndex } from "./index-file.ts";
import type { DeltaIndex } from "./index-file.ts";
import { deltaFiles, packFiles } from "./layout.ts";
import type { DeltaFiles } from "./layout.ts";
import { makeDelta, makePacks } from "./make.ts";
import { makeManifestPatch, manifestPatchPath } from "./manifest.ts";
import type { PacksBefore, Side, Written } from "./make.ts";

export interface PublishDeltas {
  readonly folder: string;
  readonly release: Release;
  /** Those that machines may have, the newest first. */
  readonly before: readonly Release[];
  readonly store: Store;
  readonly report: Reporter;
}

/** Packs and differences. Without fsync: whoever publishes syncs the folder. What is there already stays. */
export async function publishDeltas(request: PublishDeltas): Promise<void> {
  const { folder, release, before, store, report } = request;
  const to = sideOf(release, readerOf(folder, store));
  await report.step("pack small objects", async (step) => {
    const size = await writeFiles(folder, packFiles(to.image), (data) => makePacks(to, packsBefore(folder, before[0]), data));
    step.detail(formatBytes(size));
  });
  await writeDeltas(request);
}

/** @returns paths of the files below the folder */
export async function writeDeltas({ folder, release, before, store, report }: PublishDeltas): Promise<string[]> {
  const read = readerOf(folder, store);
  const to = sideOf(release, read);
  const paths: string[] = [];
  for (const old of before) {
    if (old.image.digest === to.image) continue;
    await report.step(`make the difference from release ${old.sequence}`, async (step) => {
      const files = deltaFiles(to.image, old.image.digest);
      const size = await writeFiles(folder, files, (data) => makeDelta(sideOf(old, read), to, data, step));
      step.detail(formatBytes(size));
      paths.push(files.index, ...(existsSync(join(folder, files.data)) ? [files.data] : []));
    });
  }
  return paths;
}

/** The manifest as a difference from what machines with these releases can list. */
export async function publishManifestPatches(
  folder: string,
  release: Release,
  before: readonly Release[],
  manifest: Buffer,
): Promise<void> {
  for (const { image, objects } of before) {
    const patch = await makeManifestPatch(objects, manifest);
    if (patch === undefined) continue;
    const path = join(folder, manifestPatchPath(release.sequence, image.digest));
    mkdirSync(dirname(path), { recursive: true });
    writeFileAtomic(path, patch);
  }
}

function sideOf({ image, objects }: Pick<Release, "image" | "objects">, read: (object: ObjectId) => Buffer): Side {
  return { image: image.digest, boot: bootOf(image), objects, read };
}

function bootOf({ kernel }: Image): ObjectId[] {
  return kernel === undefined ? [] : [kernel.linux, kernel.initrd];
}

/** Old objects may be collected here, but the folder has them. */
function readerOf(folder: string, store: Store): (object: ObjectId) => Buffer {
  return (object) => (store.has(object) ? store.read(object) : zstdDecompressSync(readFileSync(join(folder, objectPath(object)))));
}

function packsBefore(folder: string, before: Release | undefined): PacksBefore | undefined {
  if (before === undefined) return undefined;
  const path = join(folder, packFiles(before.image.digest).index);
  if (!existsSync(path)) return undefined;
  try {
    const index = parseIndex(readFileSync(path));
    return index.files.every((file) => existsSync(join(folder, file))) ? { index, objects: before.objects } : undefined;
  } catch (error) {
    // Damaged: everything is packed again.
    if (error instanceof DeltaError) return undefined;
    throw error;
  }
}

/** @returns bytes of the new file with groups, and of the index */
async function writeFiles(folder: string, { index, data }: DeltaFiles, make: (data: Written) => Promise<DeltaIndex>): Promise<number> {
  const path = join(folder, data);
  if (existsSync(join(folder, index))) return 0;
  mkdirSync(dirname(path), { recursive: true });
  const aside = `${path}.tmp`;
  const fd = openSync(aside, "w");
  let size = 0;
  try {
    const write = (bytes: Buffer): void => {
      writeAll(fd, bytes);
      size += bytes.length;
    };
    const made = renderIndex(await make({ path: data, write }));
    if (size > 0) renameSync(aside, path);
    writeFileAtomic(join(folder, index), made);
    return size + made.length;
  } finally {
    closeSync(fd);
    rmSync(aside, { force: true });
  }
}
