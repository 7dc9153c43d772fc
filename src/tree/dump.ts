/** Trees as composefs dumps: what images are written from, and the text in which a tree is kept. */
import { compareBytes } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { NO_XATTRS, objectPayload } from "#formats/composefs/dump-entry.ts";
import type { DumpEntry, DumpInode } from "#formats/composefs/dump-entry.ts";
import { renderDumpfile } from "#formats/composefs/dumpfile.ts";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK, encodeDevice } from "#formats/file-mode.ts";
import type { Tree, TreeNode } from "./tree.ts";

export { parseTree } from "./parse.ts";

/** The entries of a tree in the byte order of their paths, which puts every directory before what it holds. */
export function renderDump(tree: Tree): DumpEntry[] {
  const links = countLinks(tree);
  const paths = [...tree.nodes.keys()].sort(compareBytes);
  return paths.map((path) => {
    const node = tree.nodes.get(path)!;
    if (node.kind === "hardlink") return { path, hardlink: node.target };
    return { ...inodeOf(path, node, tree.mtime), nlink: 1 + (links.get(path) ?? 0) };
  });
}

/** The same as text; `parseTree` is the inverse. */
export function dumpText(tree: Tree): string {
  return renderDumpfile(renderDump(tree));
}

const TYPES = {
  directory: S_IFDIR,
  file: S_IFREG,
  symlink: S_IFLNK,
  character: S_IFCHR,
  block: S_IFBLK,
  fifo: S_IFIFO,
  socket: S_IFSOCK,
} as const satisfies Record<Exclude<TreeNode["kind"], "hardlink">, number>;

function countLinks(tree: Tree): ReadonlyMap<ByteString, number> {
  const links = new Map<ByteString, number>();
  for (const node of tree.nodes.values()) if (node.kind === "hardlink") links.set(node.target, (links.get(node.target) ?? 0) + 1);
  return links;
}

function inodeOf(path: ByteString, node: Exclude<TreeNode, { kind: "hardlink" }>, mtime: number): DumpInode {
  const content = node.kind === "file" ? node.content : undefined;
  const inline = content !== undefined && "inline" in content ? content.inline : undefined;
  const object = content !== undefined && "object" in content ? content.object : undefined;
  return {
    path,
    hardlink: undefined,
    mode: TYPES[node.kind] | node.mode,
    size: content === undefined ? 0 : "inline" in content ? content.inline.length : content.size,
    nlink: 1,
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
