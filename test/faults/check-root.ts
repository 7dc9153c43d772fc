/**
 * The root file system after a power cut: e2fsck replays the journal on a copy and finds it sound; then every object of the
 * store is read, hashed and compared with its name, its fs-verity metadata with what its content demands.
 *
 * The copy has metadata and what was written since, and holes where the contents of the first start's files are: those are
 * read from the base. What was hashed once is known by the places it came from.
 */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readRecords } from "#deployment/records.ts";
import { objectsOfImage } from "#formats/erofs/reader.ts";
import { verityMetadata } from "#formats/ext4-verity.ts";
import type { GptPartition } from "#formats/gpt.ts";
import { silentReporter } from "#report/reporter.ts";
import { openToolchain } from "#toolchain/open.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { hostCommand } from "#toolchain/sandbox.ts";
import { openWorkspace } from "#workspace";
import { openExt4 } from "./ext4.ts";
import type { Ext4, Inode } from "./ext4.ts";
import { followPartition } from "./partition-file.ts";
import type { Range, ReplayedDisk } from "./replayed-disk.ts";
import { readInBlocks } from "./read-in-blocks.ts";
import { runTool } from "./tools.ts";
import type { RootVerdict } from "./verdict.ts";
import { SECTOR } from "./write-log.ts";

export interface RootChecker {
  /** @param kept paths below /state whose contents are wanted */
  check(kept: readonly string[]): Promise<RootVerdict>;
}

export interface RootContext {
  /** Path of the disk before anything was written. */
  readonly base: string;
  readonly disk: ReplayedDisk;
  readonly partition: GptPartition;
  readonly toolchain: Toolchain;
  /** A folder in memory. */
  readonly scratch: string;
}

const VERITY_FLAG = 0x100000;
/** e2fsck: 0 nothing to do, 1 put in order. */
const FSCK_FINE = [0, 1];
/** What a power cut leaves on a sound file system, by `e2fsck -p`. */
const FSCK_EXPECTED =
  /recovering journal|Clearing orphaned inode|Free (blocks|inodes) count wrong|: clean,|\d+\/\d+ files|Truncating orphaned|^$/;

export async function openRootChecker(context: RootContext): Promise<RootChecker> {
  const { toolchain, scratch } = context;
  const copy = followPartition(await metadataOf(context), context);
  const strace = await openToolchain("faults", { workspace: openWorkspace(), report: silentReporter });
  const trace = join(scratch, "e2fsck.trace");
  const fsckCommand = hostCommand(toolchain, "usr/sbin/e2fsck");
  const verified = new Map<string, readonly string[]>();
  const references = new Map<string, readonly string[]>();
  const broken = (problem: string): RootVerdict => ({ problems: [problem], records: new Set(), images: new Map(), kept: new Map() });
  return {
    check: async (kept) => {
      copy.bring();
      const traced = ["-qq", "-s", "0", "-e", "trace=pwrite64,write,lseek,fallocate", "-o", trace];
      const fsck = await runTool(strace, "usr/bin/strace", ...traced, ...fsckCommand, "-f", "-p", copy.path);
      const said = `${fsck.stdout.toString()}\n${fsck.stderr}`.split("\n").filter((line) => !FSCK_EXPECTED.test(line));
      const fd = openSync(copy.path, "r");
      try {
        if (!FSCK_FINE.includes(fsck.exitCode) || said.length > 0)
          return broken(`e2fsck ends with ${fsck.exitCode}: ${said.join(" ").trim()}`);
        const read = readInBlocks(fd);
        return examine(context, { ext4: openExt4(read), read, verified, references, kept });
      } finally {
        closeSync(fd);
        copy.putBack(writesIn(readFileSync(trace, "latin1")));
      }
    },
  };
}

/** What e2fsck wrote, in bytes of the partition. @throws Error for a way of writing that is not known here */
function writesIn(trace: string): Range[] {
  let position = 0;
  return trace.split("\n").flatMap((line) => {
    const [, call, length, offset] = /^(pwrite64|write)\((?:[3-9]|\d\d), .*?, (\d+)(?:, (\d+))?\) += /.exec(line) ?? [];
    const moved = /^lseek\(\d+, .*\) += (\d+)$/.exec(line)?.[1];
    if (moved !== undefined) position = Number(moved);
    if (call !== undefined) return [{ offset: offset === undefined ? position : Number(offset), length: Number(length) }];
    if (line === "" || moved !== undefined || /^write\([12],/.test(line)) return [];
    throw new Error(`e2fsck: ${line}`);
  });
}

/** A file with the metadata of the base, which e2image knows, and holes elsewhere. @returns its path */
async function metadataOf({ base, partition, scratch, toolchain }: RootContext): Promise<string> {
  const path = join(scratch, "root.img");
  const { exitCode, stderr } = await runTool(toolchain, "usr/sbin/e2image", "-r", "-o", `${partition.start}`, base, path);
  if (exitCode !== 0) throw new Error(`e2image ${base}: ${stderr}`);
  return path;
}

interface Examination {
  readonly ext4: Ext4;
  /** Bytes of the copy. */
  readonly read: (offset: number, length: number) => Buffer;
  readonly verified: Map<string, readonly string[]>;
  readonly references: Map<string, readonly string[]>;
  readonly kept: readonly string[];
}

function examine(context: RootContext, examination: Examination): RootVerdict {
  const { ext4, read, verified, references, kept } = examination;
  const content = (inode: Inode): Buffer => contentOf(inode, inode.size, ext4, context);
  const objects = new Map<string, Inode>();
  const names = (path: string): ReadonlyMap<string, number> => {
    const folder = ext4.find(path);
    return folder === undefined ? new Map<string, number>() : ext4.list(folder);
  };
  for (const [prefix, folder] of names("/ashlar/store/objects"))
    for (const [rest, number] of ext4.list(ext4.inode(folder))) objects.set(prefix + rest, ext4.inode(number));
  const damage = new Map<string, readonly string[]>();
  for (const [object, inode] of objects) {
    const key = `${object} ${inode.size} ${inode.flags} ${placesOf(inode, ext4, context)}`;
    let found = verified.get(key);
    if (found === undefined) verified.set(key, (found = problemsOf(object, inode, ext4, context)));
    if (found.length > 0) damage.set(object, found);
  }
  const images = new Map<string, readonly string[]>();
  for (const [image, number] of names("/ashlar/store/images")) {
    const link = ext4.inode(number);
    const target = link.target ?? longTarget(link, ext4, read);
    const inode = objects.get(image);
    if (target !== `../objects/${image.slice(0, 2)}/${image.slice(2)}`) images.set(image, [`its name leads to ${JSON.stringify(target)}`]);
    else if (inode === undefined) images.set(image, ["its name leads nowhere"]);
    else if (damage.has(image)) images.set(image, damage.get(image) ?? []);
    else {
      let needed = references.get(image);
      if (needed === undefined) references.set(image, (needed = objectsOfImage(content(inode)).map(({ object }) => object)));
      images.set(
        image,
        needed.flatMap((object) => (objects.has(object) ? (damage.get(object) ?? []) : [`object ${object} is missing`])),
      );
    }
  }
  // A damaged object that nothing needs yet is removed by whoever opens the store next, if it finds a mark to do so.
  const marked = names("/ashlar/store/unsynced").size > 0;
  const unnoticed = marked ? [] : [...damage].map(([object, why]) => `object ${object}: ${why.join(", ")}, and no mark says so`);
  const records = recordsOf(names("/ashlar/deployments"), content, context, ext4);
  const saved = kept.map((path): [string, string | undefined] => {
    const inode = ext4.find(`/state/${path}`);
    return [path, inode === undefined ? undefined : content(inode).toString()];
  });
  return { problems: [...unnoticed, ...records.problems], records: records.numbers, images, kept: new Map(saved) };
}

/** Read by the machine's own code. */
function recordsOf(
  names: ReadonlyMap<string, number>,
  content: (inode: Inode) => Buffer,
  { scratch }: RootContext,
  ext4: Ext4,
): { numbers: Set<number>; problems: string[] } {
  const folder = join(scratch, "deployments");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [name, number] of names) writeFileSync(join(folder, name), content(ext4.inode(number)));
  const { deployments, unreadable } = readRecords(folder);
  return {
    numbers: new Set(deployments.map(({ number }) => number)),
    problems: unreadable.map(({ path, why }) => `record ${path.slice(folder.length + 1)}: ${why}`),
  };
}

function problemsOf(object: string, inode: Inode, ext4: Ext4, context: RootContext): string[] {
  const { offset, bytes, digest } = verityMetadata(contentOf(inode, inode.size, ext4, context));
  if (digest !== object) return [`object ${object} has other content (${inode.size} bytes)`];
  if ((inode.flags & VERITY_FLAG) === 0) return [`object ${object} has no fs-verity`];
  return contentOf(inode, offset + bytes.length, ext4, context)
    .subarray(offset)
    .equals(bytes)
    ? []
    : [`object ${object} has wrong fs-verity metadata`];
}

/** Targets of links are written through the journal, which was replayed on the copy. */
function longTarget({ size, extents: [extent] }: Inode, { blockSize }: Ext4, read: Examination["read"]): string {
  return extent === undefined ? "" : read(extent.physical * blockSize, size).toString("latin1");
}

/** The first `size` bytes of a file, past its end if asked. */
function contentOf(inode: Inode, size: number, { blockSize }: Ext4, { disk, partition }: RootContext): Buffer {
  const bytes = Buffer.alloc(size);
  for (const { logical, physical, count, unwritten } of inode.extents) {
    const at = logical * blockSize;
    if (unwritten || at >= size) continue;
    disk.read(partition.start + physical * blockSize, Math.min(count * blockSize, size - at)).copy(bytes, at);
  }
  return bytes;
}

/** Names the bytes of a file without reading them. */
function placesOf(inode: Inode, { blockSize }: Ext4, { disk, partition }: RootContext): string {
  const places: string[] = [];
  for (const { logical, physical, count, unwritten } of inode.extents) {
    places.push(`${logical}:${physical}:${count}${unwritten ? "u" : ""}`);
    const offset = partition.start + physical * blockSize;
    if (!disk.isTouched({ offset, length: count * blockSize })) continue;
    const first = offset / SECTOR;
    for (let sector = 0; sector < (count * blockSize) / SECTOR; sector++) {
      const source = disk.sourceOf(first + sector);
      if (source !== undefined) places.push(`${sector}@${source}`);
    }
  }
  return places.join(" ");
}
