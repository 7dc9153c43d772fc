/**
 * The root file system: ext4 with fs-verity, filled offline.
 *
 * mke2fs copies a tar stream whose files carry their verity metadata after their content; one debugfs run then sets
 * each inode's size back to the content's and says that it has verity. docs/decisions/offline-verity.md tells why.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AshlarError } from "#errors";
import { VERITY_INODE_FLAGS, verityMetadata } from "#formats/ext4-verity.ts";
import { compareBytes } from "#formats/bytes.ts";
import { TAR_END, tarHeader, tarPadding } from "#formats/gnu-tar.ts";
import type { GptPartition } from "#formats/gpt.ts";
import type { Step } from "#report/reporter.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store, StoredFile } from "#store/store.ts";
import { runInToolchain } from "#toolchain/sandbox.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { BYTES_PER_INODE, JOURNAL_SIZE, MIB, diskUuid } from "./disk-layout.ts";
import type { DiskErrorCode } from "./disk-layout.ts";

export interface RootRequest {
  readonly partition: GptPartition;
  /** The disk's file. */
  readonly disk: string;
  readonly store: Store;
  /** Digest of the composefs image, one of `objects`. */
  readonly image: ObjectId;
  /** Sorted by digest, each once. */
  readonly objects: readonly StoredFile[];
  /** Text of the first generation's record. */
  readonly deployment: string;
  /** Seconds since 1970 of every inode. */
  readonly epoch: number;
  readonly toolchain: Toolchain;
  readonly step: Step;
}

const DISK = "/tmp/disk.img";
const STORE = "ashlar/store";
/** Not from mke2fs.conf: another version of it would make another disk. */
const FEATURES =
  "none,has_journal,ext_attr,resize_inode,dir_index,orphan_file,filetype,extent,64bit,flex_bg,metadata_csum_seed," +
  "sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum,verity";

/** Folders of a fresh root. Objects are readable by all, and some are secret (shadow): nobody else may enter the store. */
const FOLDERS: readonly (readonly [path: string, mode: number])[] = [
  ["ashlar", 0o755],
  ["ashlar/deployments", 0o755],
  [STORE, 0o700],
  [`${STORE}/images`, 0o755],
  [`${STORE}/objects`, 0o755],
  [`${STORE}/refs`, 0o755],
  [`${STORE}/tmp`, 0o700],
  ["state", 0o755],
  ["state/etc", 0o755],
  ["state/home", 0o755],
  ["state/root", 0o700],
  ["state/srv", 0o755],
  ["state/var", 0o755],
];

/**
 * Makes and fills the file system in its partition.
 * @throws E_DISK_OBJECT when an object's content is not what its name says, E_DISK_VERITY when an inode could not be marked
 */
export async function makeRoot(request: RootRequest): Promise<void> {
  const { partition, image } = request;
  const run = (program: string, args: readonly string[], input: string | AsyncIterable<Buffer>): Promise<{ stderr: string }> =>
    runInToolchain(request.toolchain, program, args, {
      binds: [{ from: request.disk, to: DISK }],
      env: { SOURCE_DATE_EPOCH: `${request.epoch}` },
      input,
    });
  const uuid = diskUuid(image, "root file system");
  const extended = `offset=${partition.start},hash_seed=${diskUuid(image, "hash seed")},root_owner=0:0,nodiscard`;
  const size = ["-b", "4096", "-I", "256", "-i", `${BYTES_PER_INODE}`, "-m", "1", "-J", `size=${JOURNAL_SIZE / MIB}`];
  const name = ["-L", "ashlar", "-U", uuid, "-E", extended];
  await run(
    "/usr/sbin/mke2fs",
    ["-q", "-F", "-t", "ext4", "-O", FEATURES, ...size, ...name, "-d", "-", DISK, `${partition.size / 1024}k`],
    content(request),
  );
  const marked = await run("/usr/sbin/debugfs", ["-w", "-f", "-", `${DISK}?offset=${partition.start}`], verityScript(request.objects));
  // debugfs ends with 0 whatever happens to a command: only its silence means success.
  const complaint = marked.stderr.split("\n").find((line) => line !== "" && !/^debugfs \d|^ext2fs_check_if_mount/.test(line));
  if (complaint !== undefined)
    throw new AshlarError<DiskErrorCode>("E_DISK_VERITY", `debugfs could not mark an object as verified: ${complaint}`, {
      hint: "run the command again; if it fails again, report it with this message",
    });
}

/** The file system as a tar stream; between content and verity metadata is a hole. */
async function* content(request: RootRequest): AsyncGenerator<Buffer> {
  const { epoch: mtime, store, image, objects, step } = request;
  const file = (path: string, mode: number, bytes: Buffer): Buffer[] => [
    tarHeader({ kind: "file", path, mode, mtime, size: bytes.length }),
    bytes,
    tarPadding(bytes.length),
  ];
  for (const [path, mode] of FOLDERS) yield tarHeader({ kind: "directory", path, mode, mtime });
  yield* file("ashlar/deployments/000001.json", 0o644, Buffer.from(request.deployment));
  yield* file(`${STORE}/meta.json`, 0o644, readFileSync(join(store.root, "meta.json")));
  yield tarHeader({ kind: "symlink", path: `${STORE}/images/${image}`, mode: 0o777, mtime, target: `../${objectPath(image)}` });
  let done = 0;
  let folder = "";
  for (const { object, size } of objects) {
    const path = `${STORE}/${objectPath(object)}`;
    if (path.slice(0, -63) !== folder) yield tarHeader({ kind: "directory", path: (folder = path.slice(0, -63)), mode: 0o755, mtime });
    const bytes = store.read(object);
    const metadata = verityMetadata(bytes);
    if (metadata.digest !== object || bytes.length !== size) throw damaged(store.pathOf(object));
    const padding = tarPadding(size);
    yield tarHeader({
      kind: "file",
      path,
      mode: 0o444,
      mtime,
      size: metadata.offset + metadata.bytes.length,
      regions: [
        { offset: 0, size: size + padding.length },
        { offset: metadata.offset, size: metadata.bytes.length },
      ],
    });
    yield bytes;
    yield padding;
    yield metadata.bytes;
    step.progress(++done, objects.length, "objects");
  }
  yield TAR_END;
}

/** Sets size and flags of every object, by path. */
function verityScript(objects: readonly StoredFile[]): string {
  return objects
    .map(({ object, size }) => {
      const path = `/${STORE}/${objectPath(object)}`;
      return `sif ${path} size ${size}\nsif ${path} flags 0x${VERITY_INODE_FLAGS.toString(16)}\n`;
    })
    .join("");
}

function objectPath(object: ObjectId): string {
  return `objects/${object.slice(0, 2)}/${object.slice(2)}`;
}

function damaged(path: string): AshlarError<DiskErrorCode> {
  return new AshlarError("E_DISK_OBJECT", `the object ${path} is damaged: its content does not have the digest of its name`, {
    hint: "ashlar fsck",
    details: { path },
  });
}

export const byDigest = (a: StoredFile, b: StoredFile): number => compareBytes(a.object, b.object);
