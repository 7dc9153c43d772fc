/**
 * Writes composefs images: the same bytes as mkcomposefs for the same dump.
 * docs/formats/image.md is the specification.
 */
import type { DumpEntry } from "#formats/composefs/dump-entry.ts";
import {
  BLOCK,
  BLOCK_BITS,
  COMPOSEFS_HAS_ACL,
  COMPOSEFS_HEADER_VERSION,
  COMPOSEFS_MAGIC,
  EROFS_MAGIC,
  FEATURE_COMPAT,
  ROOT_NID_MAX,
  SLOT,
  SUPERBLOCK_OFFSET,
  roundUp,
} from "./format.ts";
import { inputError } from "./errors.ts";
import { graphOf } from "./graph.ts";
import type { Graph, VersionRange } from "./graph.ts";
import { layOut } from "./layout.ts";
import type { Layout } from "./layout.ts";
import type { Output } from "./output.ts";
import { writeBlocks } from "./write-blocks.ts";
import { writeInode, writeXattrEntry } from "./write-inode.ts";
import { shareXattrs } from "./xattr.ts";
import type { Xattr } from "./xattr.ts";

/**
 * Writes an image of entries, in which every directory comes before what it holds.
 * @param versions range of composefs versions; with 0 to 1, the default, trees with whiteouts get 1 and all others 0
 * @throws E_EROFS_INPUT with the path of the entry that no image can hold
 */
export function writeImage(entries: readonly DumpEntry[], versions: VersionRange = {}): Buffer {
  const graph = graphOf(entries, versions);
  const shared = shareXattrs(graph.xattrs);
  const layout = layOut(graph.inodes);
  const output = allocate(layout, shared);
  writeHeader(output, graph);
  writeSuperblock(output, graph, layout);
  for (const inode of graph.inodes) writeInode(output, inode);
  for (const xattr of shared) writeXattrEntry(output, layout.inodesEnd + xattr.sharedOffset, xattr);
  for (const inode of graph.inodes) if (inode.blocks > 0) writeBlocks(output, inode);
  return output.bytes;
}

function allocate(layout: Layout, shared: readonly Xattr[]): Output {
  const sharedEnd = layout.inodesEnd + shared.reduce((size, xattr) => size + xattr.size, 0);
  const dataBlock = roundUp(sharedEnd, BLOCK) / BLOCK;
  const bytes = Buffer.alloc((dataBlock + layout.blocks) * BLOCK);
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), inodesEnd: layout.inodesEnd, dataBlock };
}

function writeHeader({ view }: Output, { version, xattrs }: Graph): void {
  const hasAcl = xattrs.has("system.posix_acl_access") || xattrs.has("system.posix_acl_default");
  view.setUint32(0, COMPOSEFS_MAGIC, true);
  view.setUint32(4, COMPOSEFS_HEADER_VERSION, true);
  view.setUint32(8, hasAcl ? COMPOSEFS_HAS_ACL : 0, true);
  view.setUint32(12, version, true);
}

function writeSuperblock({ view, bytes, inodesEnd }: Output, { inodes }: Graph, { mtime, mtimeNsec }: Layout): void {
  const rootNid = inodes[0]!.position / SLOT;
  if (rootNid > ROOT_NID_MAX) throw inputError("/", "the attributes of the root leave it no place that the superblock can name");
  const at = SUPERBLOCK_OFFSET;
  view.setUint32(at, EROFS_MAGIC, true);
  view.setUint32(at + 8, FEATURE_COMPAT, true);
  view.setUint8(at + 12, BLOCK_BITS);
  view.setUint16(at + 14, rootNid, true);
  view.setBigUint64(at + 16, BigInt(inodes.length), true);
  view.setBigInt64(at + 24, BigInt(mtime), true);
  view.setUint32(at + 32, mtimeNsec, true);
  view.setUint32(at + 36, bytes.length / BLOCK, true);
  view.setUint32(at + 44, Math.floor(inodesEnd / BLOCK), true);
}
