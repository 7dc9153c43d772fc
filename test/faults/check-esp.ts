/**
 * The EFI system partition after a power cut: its file system, what the boot loader would start (the product's own resolver
 * decides), and every kernel and initrd that an entry names, byte for byte against the name of their folder.
 *
 * fsck.fat may find something about an entry that is being written. The firmware reads it as it is; then the machine mends
 * it before it mounts it, and the firmware reads that. So both are judged.
 */
import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { ENTRIES } from "#boot/loader.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { viewEsp } from "./esp-view.ts";
import type { EspScene } from "./esp-view.ts";
import { openFat } from "./fat.ts";
import { copySparse, followPartition } from "./partition-file.ts";
import { runTool } from "./tools.ts";
import type { EspVerdict } from "./verdict.ts";

export interface EspContext extends EspScene {
  readonly toolchain: Toolchain;
}

/** What a power cut leaves on FAT, which has no journal, and harms nothing: by `fsck.fat -n`. */
const FSCK_EXPECTED = [
  /^fsck\.fat \d/,
  /Dirty bit is set|Fs was not properly unmounted|Automatically removing dirty bit|^\s*Not automatically/,
  /differences between boot sector and its backup|mostly harmless|^\s+\d+:[0-9a-f]{2}\/[0-9a-f]{2}|Differences: /,
  /^FATs differ|Using first FAT|^\s*Both FATs appear/,
  /Orphaned long file name part|Auto-deleting|Unused clusters|Reclaimed \d+ unused|Reclaiming unconnected clusters/,
  /Free cluster summary|Auto-correcting/,
  /^Leaving filesystem unchanged|\d+ files, \d+\/\d+ clusters/,
  /^$/,
];
const PIECE = 1 << 20;
/** Paths that fsck.fat must have nothing to say of, in lower case. */
const NEEDED = ["/efi/", "/loader/loader.conf"] as const;

/** @returns a function that judges the disk as it is at the moment */
export function openEspChecker(context: EspContext): () => Promise<EspVerdict> {
  const { disk, partition, toolchain } = context;
  const known = new Map<string, string | undefined>();
  // fsck.fat -n only reads, so nothing has to be put back.
  const copy = followPartition(baseOf(context), context);
  return async () => {
    const { verdict, kernels } = viewEsp(
      openFat((offset, length) => disk.read(partition.start + offset, length)),
      context,
      known,
    );
    copy.bring();
    const said = await fsck(copy.path, toolchain);
    const problems = [...verdict.problems, ...about(said, [...NEEDED, ...kernels])];
    if (about(said, [`/${ENTRIES}/`]).length === 0) return { ...verdict, problems };
    const later = await viewMended(copy.path, context);
    return {
      problems: [...problems, ...later.problems.map((problem) => `after fsck.fat: ${problem}`)],
      entries: [...verdict.entries, ...later.entries],
      next: verdict.next,
      later: later.next,
    };
  };
}

async function viewMended(path: string, context: EspContext): Promise<EspVerdict> {
  const mended = join(context.scratch, "esp.mended");
  rmSync(mended, { force: true });
  copySparse(path, mended);
  // As systemd-fsck does.
  const { exitCode, stdout, stderr } = await runTool(context.toolchain, "usr/sbin/fsck.fat", "-a", mended);
  const fd = openSync(mended, "r");
  try {
    const read = (offset: number, length: number): Buffer => {
      const bytes = Buffer.alloc(length);
      readSync(fd, bytes, 0, length, offset);
      return bytes;
    };
    // Its places are not the disk's: what is known of those does not count.
    const { verdict } = viewEsp(openFat(read), context, new Map());
    const failed = exitCode > 1 ? [`it ended with ${exitCode}: ${stdout.toString()} ${stderr}`.trim()] : [];
    return { ...verdict, problems: [...failed, ...verdict.problems, ...about(await fsck(mended, context.toolchain), ["/"])] };
  } finally {
    closeSync(fd);
  }
}

interface Said {
  /** In lower case; undefined when it is about all of it. */
  readonly file: string | undefined;
  readonly line: string;
}

/** What `fsck.fat -n` says, without what is expected. */
async function fsck(path: string, toolchain: Toolchain): Promise<Said[]> {
  const { stdout, stderr } = await runTool(toolchain, "usr/sbin/fsck.fat", "-n", path);
  const said: Said[] = [];
  let file: string | undefined;
  for (const line of `${stdout.toString()}\n${stderr}`.split("\n")) {
    const [named] = /^\/\S*/.exec(line) ?? [];
    if (named !== undefined) file = named.toLowerCase();
    // Lines about a file are indented.
    else if (!line.startsWith(" ")) file = undefined;
    if (!FSCK_EXPECTED.some((expected) => expected.test(line))) said.push({ file, line: line.trim() });
  }
  return said;
}

/** What is said of all of it or of files below these paths; what it says of others it puts in order when the machine mounts it. */
function about(said: readonly Said[], paths: readonly string[]): string[] {
  const lines = said.filter(({ file }) => file === undefined || paths.some((path) => file.startsWith(path))).map(({ line }) => line);
  return lines.length === 0 ? [] : [`fsck.fat: ${lines.join(" ")}`];
}

/** The partition without its zeros, before the first write. */
function baseOf({ disk, partition, scratch }: EspContext): string {
  const path = join(scratch, "esp.img");
  const fd = openSync(path, "wx");
  try {
    const zeros = Buffer.alloc(PIECE);
    for (let offset = 0; offset < partition.size; offset += PIECE) {
      const bytes = disk.read(partition.start + offset, Math.min(PIECE, partition.size - offset));
      if (!bytes.equals(zeros.subarray(0, bytes.length))) writeSync(fd, bytes, 0, bytes.length, offset);
    }
    return path;
  } finally {
    closeSync(fd);
  }
}
