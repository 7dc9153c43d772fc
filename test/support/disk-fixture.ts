/** A small sealed image and a request for its disk. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { DiskRequest } from "#image/disk.ts";
import type { Image } from "#image/image.ts";
import { sealTree } from "#image/seal.ts";
import { silentReporter } from "#report/reporter.ts";
import type { ObjectId } from "#store/object.ts";
import { openStore } from "#store/open.ts";
import type { Store, StoredFile } from "#store/store.ts";
import type { Toolchain } from "#toolchain/open.ts";
import type { TreeNode } from "#tree/tree.ts";
import type { Workspace } from "#workspace";

export interface DiskFixture {
  readonly request: DiskRequest;
  /** Path in the image to object and SHA-256 of the content. */
  readonly files: ReadonlyMap<string, StoredFile & { readonly sha256: string }>;
  readonly store: Store;
}

/** Small, so that comparing two disks is quick. */
const SIZE = 772 * 1024 * 1024;
const EPOCH = 1_700_000_000;
const OWNER = { uid: 0, gid: 0 };

/** Puts `contents` (names to bytes, each over 64) into `folder`'s store, seals them below /f, and asks for `folder`/disk.img. */
export async function diskFixture(
  folder: string,
  contents: ReadonlyMap<string, Buffer>,
  tools: { workspace: Workspace; toolchain: Toolchain },
): Promise<DiskFixture> {
  const store = await openStore(join(folder, "store"));
  const nodes = new Map<string, TreeNode>([
    ["/", { kind: "directory", mode: 0o755, ...OWNER }],
    ["/f", { kind: "directory", mode: 0o755, ...OWNER }],
  ]);
  const files = new Map<string, StoredFile & { sha256: string }>();
  for (const [name, content] of contents) {
    const file = { object: store.add(content), size: content.length };
    nodes.set(`/f/${name}`, { kind: "file", mode: 0o644, ...OWNER, content: file });
    files.set(`/f/${name}`, { ...file, sha256: createHash("sha256").update(content).digest("hex") });
  }
  const digest = sealTree({ mtime: EPOCH, nodes }, store);
  return {
    store,
    files,
    request: {
      ...tools,
      image: imageOf(digest),
      store,
      output: join(folder, "disk.img"),
      size: SIZE,
      report: silentReporter,
      espFiles: [
        { path: "loader/loader.conf", content: Buffer.from("timeout 1\n") },
        { path: "loader/entries/ashlar-000001+3.conf", content: Buffer.from("title Test\n") },
        { path: "ashlar/kernel/linux", content: Buffer.alloc(3_000_000, "linux") },
      ],
      deployment: { version: 1, number: 1, digest },
      objects: [...files.values()],
    },
  };
}

/** Bytes that differ from block to block, the same each time. */
export function sampleBytes(size: number): Buffer {
  const bytes = Buffer.alloc(size, createHash("sha256").update(String(size)).digest());
  for (let at = 0; at + 4 <= size; at += 4096) bytes.writeUInt32LE(at, at);
  return bytes;
}

function imageOf(digest: ObjectId): Image {
  const hash = "0".repeat(64);
  return { version: 1, name: "test", digest, boot: { timeout: 0, tries: 3 }, config: hash, lock: hash, epoch: EPOCH };
}
