/** Writing a layer: a deterministic tar of some paths of a tree, one zstd frame around it, both digests made on the way. */
import { createHash, randomBytes } from "node:crypto";
import { createWriteStream, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress } from "node:zlib";
import { AshlarError } from "#errors";
import { compareBytes, toText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import type { TarEntry } from "#formats/tar/entry.ts";
import { TAR_END, tarHead } from "#formats/tar/writer.ts";
import type { ObjectId } from "#store/object.ts";
import type { Tree, TreeNode } from "#tree/tree.ts";
import type { OciErrorCode } from "./errors.ts";
import { blobPath } from "./layout.ts";
import { MEDIA } from "./manifest.ts";
import type { Descriptor } from "./manifest.ts";
import type { OciDigest } from "./reference.ts";

export interface WrittenLayer {
  readonly descriptor: Descriptor;
  /** Digest of the tar. */
  readonly diffId: OciDigest;
  /** Bytes of the tar. */
  readonly unpacked: number;
}

const LAYER_ZSTD = `${MEDIA.layer}+zstd`;
/** What Debian's podman and skopeo read since Debian 11; level 3 as for objects (docs/formats/release.md). */
const ZSTD_LEVEL = 3;
const BLOCK = 512;
const BATCH = 256 * 1024;
const NO_CONTENT = Buffer.alloc(0);
const NO_XATTRS: ReadonlyMap<ByteString, ByteString> = new Map();

/**
 * Writes the layer of `paths`, with the folders above them, into a layout.
 * Times are 0: the tree's one time is part of the image's record, and would change every layer with every lock.
 * @throws E_OCI_TREE for what no layer can hold
 */
export async function writeLayer(
  layout: string,
  { tree, paths, read }: { readonly tree: Tree; readonly paths: readonly ByteString[]; readonly read: (object: ObjectId) => Buffer },
): Promise<WrittenLayer> {
  const aside = join(layout, "blobs", `.${randomBytes(8).toString("hex")}`);
  const [plain, packed] = [measure(), measure()];
  try {
    const compress = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } });
    await pipeline(
      Readable.from(tarOf(tree, paths, read)),
      plain.stream,
      compress,
      packed.stream,
      createWriteStream(aside, { flags: "wx" }),
    );
    const descriptor = { mediaType: LAYER_ZSTD, digest: packed.digest(), size: packed.size() };
    renameSync(aside, blobPath(layout, descriptor.digest));
    return { descriptor, diffId: plain.digest(), unpacked: plain.size() };
  } finally {
    rmSync(aside, { force: true });
  }
}

function* tarOf(tree: Tree, paths: readonly ByteString[], read: (object: ObjectId) => Buffer): Generator<Buffer> {
  let batch: Buffer[] = [];
  let size = 0;
  const take = (part: Buffer): void => {
    batch.push(part);
    size += part.length;
  };
  for (const path of withParents(paths)) {
    const node = tree.nodes.get(path);
    if (node === undefined) throw new RangeError(`${path} is not in the tree`);
    const content = node.kind !== "file" ? undefined : "inline" in node.content ? node.content.inline : read(node.content.object);
    take(tarHead(entryOf(path, node, tree), content?.length ?? 0));
    if (content !== undefined) take(content);
    take(Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK));
    if (size < BATCH) continue;
    yield Buffer.concat(batch);
    batch = [];
    size = 0;
  }
  yield Buffer.concat([...batch, TAR_END]);
}

function withParents(paths: readonly ByteString[]): ByteString[] {
  const all = new Set(paths);
  for (const path of paths)
    for (let slash = path.lastIndexOf("/"); slash >= 0; slash = path.lastIndexOf("/", slash - 1)) {
      all.add(path.slice(0, slash) || "/");
      if (slash === 0) break;
    }
  return [...all].sort(compareBytes);
}

function entryOf(path: ByteString, node: TreeNode, tree: Tree): TarEntry {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (name.startsWith(".wh.")) throw cannotHold(path, "a name that begins with .wh. means removal in a layer");
  if (node.kind === "hardlink") {
    const file = tree.nodes.get(node.target);
    if (file?.kind !== "file") throw new RangeError(`${path} is a hard link to ${node.target}, which is no file`);
    // Unpackers change owner and mode of what a link leads to: it must say the same again.
    return { ...entryOf(node.target, file, tree), path, type: "hardlink", target: node.target };
  }
  const { mode, uid, gid, xattrs = NO_XATTRS } = node;
  const common = { path, mode, uid, gid, mtime: 0, xattrs };
  if (node.kind === "file") return { ...common, type: "file", content: NO_CONTENT };
  if (node.kind === "directory") return { ...common, type: "directory" };
  if (node.kind === "symlink") return { ...common, type: "symlink", target: node.target };
  throw cannotHold(path, `it is a ${node.kind}`);
}

function cannotHold(path: ByteString, why: string): AshlarError<OciErrorCode> {
  return new AshlarError("E_OCI_TREE", `${toText(path)} cannot be part of a container image: ${why}`, {
    hint: "take it out of the config; make it at start with a tmpfiles.d line instead",
    details: { path: toText(path) },
  });
}

function measure(): { stream: Transform; digest(): OciDigest; size(): number } {
  const hash = createHash("sha256");
  let size = 0;
  const stream = new Transform({
    transform: (chunk: Buffer, _encoding, pass) => {
      hash.update(chunk);
      size += chunk.length;
      pass(null, chunk);
    },
  });
  return { stream, digest: () => `sha256:${hash.digest("hex")}` as OciDigest, size: () => size };
}
