/** Reading a tree back from its dump. */
import type { ByteString } from "#formats/bytes.ts";
import type { DumpEntry, DumpInode } from "#formats/composefs/dump-entry.ts";
import { parseDumpfile } from "#formats/composefs/dumpfile-parse.ts";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, decodeDevice } from "#formats/file-mode.ts";
import { parseObjectId } from "#store/object.ts";
import { AshlarError } from "#errors";
import type { FileContent, Tree, TreeNode } from "./tree.ts";

export type TreeDumpErrorCode = "E_TREE_DUMP";

const EMPTY: FileContent = { inline: Buffer.alloc(0) };

/**
 * Parses the text that `dumpText` makes.
 * @throws E_DUMP_SYNTAX, or E_TREE_DUMP for a dump that is not of a tree: times that differ, a file without content, no root
 */
export function parseTree(text: string): Tree {
  return treeOf(parseDumpfile(text));
}

/** The tree that an image or a dump was written from. @throws E_TREE_DUMP */
export function treeOf(entries: Iterable<DumpEntry>): Tree {
  const nodes = new Map<ByteString, TreeNode>();
  let mtime: number | undefined;
  for (const entry of entries) {
    if (nodes.has(entry.path)) throw notATree(entry.path, "is there twice");
    if (entry.hardlink !== undefined) {
      nodes.set(entry.path, { kind: "hardlink", target: entry.hardlink });
      continue;
    }
    mtime ??= entry.mtime;
    if (entry.mtime !== mtime || entry.mtimeNsec !== 0) throw notATree(entry.path, "has another modification time than the root");
    nodes.set(entry.path, nodeOf(entry));
  }
  if (mtime === undefined || nodes.get("/")?.kind !== "directory") throw notATree("/", "is missing");
  return { mtime, nodes };
}

function nodeOf(entry: DumpInode): TreeNode {
  const node = nodeWithoutXattrs(entry);
  return entry.xattrs.size > 0 ? { ...node, xattrs: entry.xattrs } : node;
}

// Plain literals: a dump has tens of thousands of lines, and spreading one object into another costs most of the time.
function nodeWithoutXattrs(entry: DumpInode): Exclude<TreeNode, { kind: "hardlink" }> {
  const { uid, gid } = entry;
  const mode = entry.mode & ~S_IFMT;
  switch (entry.mode & S_IFMT) {
    case S_IFREG:
      return { mode, uid, gid, kind: "file", content: contentOf(entry) };
    case S_IFDIR:
      return { mode, uid, gid, kind: "directory" };
    case S_IFLNK:
      return { mode, uid, gid, kind: "symlink", target: entry.payload! };
    case S_IFCHR:
      return { mode, uid, gid, kind: "character", ...decodeDevice(entry.rdev) };
    case S_IFBLK:
      return { mode, uid, gid, kind: "block", ...decodeDevice(entry.rdev) };
    case S_IFIFO:
      return { mode, uid, gid, kind: "fifo" };
    default:
      return { mode, uid, gid, kind: "socket" };
  }
}

function contentOf({ path, size, content, digest }: DumpInode): FileContent {
  if (content !== undefined) return { inline: content };
  if (size === 0) return EMPTY;
  const object = parseObjectId(digest ?? "");
  if (object === undefined) throw notATree(path, "has neither content nor a digest");
  return { object, size };
}

function notATree(path: ByteString, what: string): AshlarError<TreeDumpErrorCode> {
  return new AshlarError<TreeDumpErrorCode>("E_TREE_DUMP", `not the dump of a tree: ${path} ${what}`, {
    hint: "remove the cached dump and build again",
    details: { path },
  });
}
