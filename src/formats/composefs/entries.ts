/** Entries of a root file system that is held as one value: `Tree` has this shape, and no stage is named here. */
import { compareBytes } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK, encodeDevice } from "#formats/file-mode.ts";
import { NO_XATTRS, objectPayload } from "./dump-entry.ts";
import type { DumpEntry, DumpInode } from "./dump-entry.ts";

interface SourceOwner {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly xattrs?: ReadonlyMap<ByteString, ByteString>;
}

type SourceContent = { readonly inline: Buffer } | { readonly object: string; readonly size: number };

type SourceNode =
  | (SourceOwner & { readonly kind: "directory" | "fifo" | "socket" })
  | (SourceOwner & { readonly kind: "file"; readonly content: SourceContent })
  | (SourceOwner & { readonly kind: "symlink"; readonly target: ByteString })
  | (SourceOwner & { readonly kind: "character" | "block"; readonly major: number; readonly minor: number })
  | { readonly kind: "hardlink"; readonly target: ByteString };

export interface DumpSource {
  /** Seconds since 1970 of every inode. */
  readonly mtime: number;
  /** Absolute paths to what is there. */
  readonly nodes: ReadonlyMap<ByteString, SourceNode>;
}

/** The entries in the byte order of their paths, which puts every directory before what it holds. */
export function entriesOf(source: DumpSource): DumpEntry[] {
  const links = countLinks(source);
  const paths = [...source.nodes.keys()].sort(compareBytes);
  return paths.map((path) => {
    const node = source.nodes.get(path)!;
    if (node.kind === "hardlink") return { path, hardlink: node.target };
    return inodeOf(path, node, { mtime: source.mtime, nlink: 1 + (links.get(path) ?? 0) });
  });
}

const TYPES = {
  directory: S_IFDIR,
  file: S_IFREG,
  symlink: S_IFLNK,
  character: S_IFCHR,
  block: S_IFBLK,
  fifo: S_IFIFO,
  socket: S_IFSOCK,
} as const satisfies Record<Exclude<SourceNode["kind"], "hardlink">, number>;

function countLinks(source: DumpSource): ReadonlyMap<ByteString, number> {
  const links = new Map<ByteString, number>();
  for (const node of source.nodes.values()) if (node.kind === "hardlink") links.set(node.target, (links.get(node.target) ?? 0) + 1);
  return links;
}

function inodeOf(
  path: ByteString,
  node: Exclude<SourceNode, { kind: "hardlink" }>,
  { mtime, nlink }: { mtime: number; nlink: number },
): DumpInode {
  const content = node.kind === "file" ? node.content : undefined;
  const inline = content !== undefined && "inline" in content ? content.inline : undefined;
  const object = content !== undefined && "object" in content ? content.object : undefined;
  return {
    path,
    hardlink: undefined,
    mode: TYPES[node.kind] | node.mode,
    size: content === undefined ? 0 : "inline" in content ? content.inline.length : content.size,
    nlink,
    uid: node.uid,
    gid: node.gid,
    rdev: node.kind === "character" || node.kind === "block" ? encodeDevice(node.major, node.minor) : 0,
    mtime,
    mtimeNsec: 0,
    payload: node.kind === "symlink" ? node.target : object === undefined ? undefined : objectPayload(object),
    content: inline !== undefined && inline.length > 0 ? inline : undefined,
    digest: object,
    xattrs: node.xattrs ?? NO_XATTRS,
  };
}
