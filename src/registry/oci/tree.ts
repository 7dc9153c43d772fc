/**
 * Layers → tree (https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md): applied in memory, nothing is ever
 * resolved on this host's file system; contents become objects of the store, named by what they are.
 */
import { createHash } from "node:crypto";
import { AshlarError } from "#errors";
import { compareBytes, toText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import type { TarEntry } from "#formats/tar/entry.ts";
import { refuseSpecial } from "#formats/tar/reader.ts";
import { readTarStream } from "#formats/tar/stream.ts";
import type { Step } from "#report/reporter.ts";
import type { Store } from "#store/store.ts";
import type { FileContent, Ownership, Tree, TreeNode } from "#tree/tree.ts";
import { storeContent } from "./content.ts";
import type { OciErrorCode } from "./errors.ts";
import type { Descriptor } from "./manifest.ts";
import { checkedBlob } from "./repository.ts";
import type { OciRepository } from "./repository.ts";
import { unpacked } from "./unpack.ts";

export interface LayerSource {
  readonly descriptor: Descriptor;
  /** Digest that the configuration gives for the unpacked layer. */
  readonly diffId: string;
}

type Inode =
  | (Ownership & { readonly kind: "directory" })
  | (Ownership & { readonly kind: "file"; readonly content: FileContent })
  | (Ownership & { readonly kind: "symlink"; readonly target: ByteString });

/** Paths to inodes; names of one file are one and the same inode. */
type Names = Map<ByteString, Inode>;

const ROOT_OWNED = { kind: "directory", mode: 0o755, uid: 0, gid: 0 } as const;
/** What overlayfs keeps its own secrets in: who may set these in an image can show any file of the store in place of another. */
const OVERLAY_XATTR = /^(trusted|user)\.overlay\./;
const XATTR_VALUE_MAX = 65_536;

export interface TreeOptions {
  /** Seconds since 1970 of every inode. */
  readonly mtime: number;
  readonly store: Store;
  readonly step: Step;
  /** Paths that are passed over, whatever they are; without it, an image with a device or the like is refused. */
  readonly skip?: (path: ByteString) => boolean;
}

/**
 * Reads layers, the lowest first, into a tree.
 * @throws E_TAR_*, E_XATTR_FORBIDDEN, E_OCI_DIGEST, E_OCI_SIZE, E_OCI_DIFF_ID, E_OCI_LAYER
 */
export async function treeOfLayers(
  repository: OciRepository,
  layers: readonly LayerSource[],
  { mtime, store, step, skip }: TreeOptions,
): Promise<Tree> {
  const names: Names = new Map([["/", ROOT_OWNED]]);
  let done = 0;
  const total = layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  for (const { descriptor, diffId } of layers) {
    const hash = createHash("sha256");
    const tar = hashing(unpacked(checkedBlob(repository, descriptor), descriptor), hash);
    await applyLayer(names, tar, descriptor, { store, skip });
    const actual = `sha256:${hash.digest("hex")}`;
    if (actual !== diffId)
      throw new AshlarError<OciErrorCode>(
        "E_OCI_DIFF_ID",
        `layer ${descriptor.digest} unpacks to ${actual}, its configuration says ${diffId}`,
        {
          hint: "do not use this image, or push it again; nothing was changed",
          details: { layer: descriptor.digest },
        },
      );
    step.progress((done += descriptor.size), total, "bytes");
  }
  return { mtime, nodes: nodesOf(names) };
}

async function* hashing(stream: AsyncIterable<Buffer>, hash: ReturnType<typeof createHash>): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    hash.update(chunk);
    yield chunk;
  }
}

async function applyLayer(
  names: Names,
  tar: AsyncIterable<Buffer>,
  descriptor: Descriptor,
  { store, skip }: { readonly store: Store; readonly skip: TreeOptions["skip"] },
): Promise<void> {
  /** Paths that this layer has put: its own whiteouts do not remove them. */
  const own = new Set<ByteString>();
  let number = 0;
  for await (const { entry, size, content } of readTarStream(tar, { special: skip !== undefined })) {
    number++;
    if (skip?.(entry.path) === true) continue;
    refuseSpecial(entry, {}, number);
    if (whiteout(names, own, entry, descriptor)) continue;
    const inode = await inodeOf(names, entry, number, () => storeContent(store, content, size));
    put(names, entry.path, inode, number);
    own.add(entry.path);
  }
}

/** https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md#whiteouts @returns whether the entry is one */
function whiteout(names: Names, own: ReadonlySet<ByteString>, entry: TarEntry, { digest }: Descriptor): boolean {
  const slash = entry.path.lastIndexOf("/");
  const [folder, name] = [entry.path.slice(0, slash) || "/", entry.path.slice(slash + 1)];
  if (!name.startsWith(".wh.")) return false;
  const hidden = name.slice(".wh.".length);
  const opaque = name === ".wh..wh..opq";
  if (!opaque && (hidden === "" || hidden === "." || hidden === ".." || hidden.startsWith(".wh.")))
    throw new AshlarError<OciErrorCode>("E_OCI_LAYER", `layer ${digest} has ${toText(entry.path)}, a removal of nothing`, {
      hint: "do not use this image; nothing was changed",
    });
  const target = folder === "/" ? `/${hidden}` : `${folder}/${hidden}`;
  const [inside, within] = [`${target}/`, folder === "/" ? "/" : `${folder}/`];
  for (const path of names.keys()) {
    const hit = opaque ? path.length > within.length && path.startsWith(within) : path === target || path.startsWith(inside);
    if (hit && !own.has(path)) names.delete(path);
  }
  return true;
}

async function inodeOf(names: Names, entry: TarEntry, number: number, stored: () => Promise<FileContent>): Promise<Inode> {
  const { mode, uid, gid } = entry;
  for (const [key, value] of entry.xattrs)
    if (OVERLAY_XATTR.test(key) || value.length > XATTR_VALUE_MAX)
      throw new AshlarError<OciErrorCode>(
        "E_XATTR_FORBIDDEN",
        `tar entry #${number}, ${toText(entry.path)}, has the attribute ${toText(key)}`,
        {
          hint: "no image for the use of containers has it: do not use this one; nothing was changed",
          details: { path: toText(entry.path), attribute: toText(key) },
        },
      );
  const owner = { mode, uid, gid, ...(entry.xattrs.size === 0 ? {} : { xattrs: entry.xattrs }) };
  if (entry.type === "directory") return { ...owner, kind: "directory" };
  if (entry.type === "symlink") return { ...owner, mode: 0o777, kind: "symlink", target: entry.target };
  if (entry.type === "file") return { ...owner, kind: "file", content: await stored() };
  const inode = entry.type === "hardlink" ? names.get(entry.target) : undefined;
  if (inode?.kind === "file") return inode;
  throw new RangeError(`${toText(entry.path)} is a ${entry.type} that the reader should have refused`);
}

function put(names: Names, path: ByteString, inode: Inode, number: number): void {
  const parent = path.slice(0, path.lastIndexOf("/")) || "/";
  if (path !== "/") ensureFolder(names, parent, number);
  if (path === "/" && inode.kind !== "directory") throw new AshlarError("E_TAR_PATH", `tar entry #${number}: the root is no folder`);
  const before = names.get(path);
  if (before?.kind === "directory" && inode.kind !== "directory")
    for (const below of names.keys()) if (below.startsWith(`${path}/`)) names.delete(below);
  names.set(path, inode);
}

function ensureFolder(names: Names, path: ByteString, number: number): void {
  const there = names.get(path);
  if (there?.kind === "directory") return;
  if (there !== undefined)
    throw new AshlarError(
      "E_TAR_LINK_TRAVERSAL",
      `tar entry #${number} lies below ${toText(path)}, which is a ${there.kind} of a layer below`,
      {
        hint: "nothing was changed",
      },
    );
  ensureFolder(names, path.slice(0, path.lastIndexOf("/")) || "/", number);
  names.set(path, ROOT_OWNED);
}

/** The smallest name of a file is the file, others are links to it. */
function nodesOf(names: Names): Map<ByteString, TreeNode> {
  const first = new Map<Inode, ByteString>();
  const nodes = new Map<ByteString, TreeNode>();
  for (const [path, inode] of [...names].sort(([a], [b]) => compareBytes(a, b))) {
    const target = inode.kind === "file" ? first.get(inode) : undefined;
    nodes.set(path, target === undefined ? inode : { kind: "hardlink", target });
    if (target === undefined) first.set(inode, path);
  }
  return nodes;
}
