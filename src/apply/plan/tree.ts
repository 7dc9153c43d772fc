/** The tree of an image as a plan looks at it: nodes by path, with the texts of those that decide something. */
import { toBuffer, toText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import type { DumpEntry, DumpInode } from "#formats/composefs/dump-entry.ts";
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "#formats/file-mode.ts";

export interface Tree {
  readonly nodes: ReadonlyMap<string, DumpInode>;
  /** Content of a regular file; undefined when there is none at this path. */
  text(path: string): string | undefined;
}

/** @param read content of the object with this fs-verity digest */
export function treeOf(entries: readonly DumpEntry[], read: (digest: string) => Buffer): Tree {
  const nodes = new Map<string, DumpInode>();
  for (const entry of entries) if (entry.hardlink === undefined) nodes.set(readable(entry.path), entry);
  for (const { path, hardlink } of entries) {
    const node = hardlink === undefined ? undefined : nodes.get(readable(hardlink));
    if (node !== undefined) nodes.set(readable(path), node);
  }
  return {
    nodes,
    text: (path) => {
      const node = nodes.get(path);
      if (node === undefined || (node.mode & S_IFMT) !== S_IFREG) return undefined;
      return (node.content ?? (node.digest === undefined ? Buffer.alloc(0) : read(node.digest))).toString();
    },
  };
}

export interface Change {
  readonly path: string;
  readonly change: "added" | "removed" | "changed";
}

/** Every path that differs, sorted. Times do not count; of folders, what lies in them is listed by itself. */
export function changesBetween(from: Tree, to: Tree): Change[] {
  const changes: Change[] = [];
  for (const [path, node] of to.nodes) {
    const before = from.nodes.get(path);
    if (before === undefined) changes.push({ path, change: "added" });
    else if (!isSame(before, node)) changes.push({ path, change: "changed" });
  }
  for (const path of from.nodes.keys()) if (!to.nodes.has(path)) changes.push({ path, change: "removed" });
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1));
}

export function isFolder(tree: Tree, path: string): boolean {
  return ((tree.nodes.get(path)?.mode ?? 0) & S_IFMT) === S_IFDIR;
}

/** Target of a symbolic link. */
export function linkTarget(tree: Tree, path: string): string | undefined {
  const node = tree.nodes.get(path);
  return node !== undefined && (node.mode & S_IFMT) === S_IFLNK ? toText(node.payload ?? "") : undefined;
}

/** Nearly all paths are ASCII: those need no decoding. */
function readable(path: ByteString): string {
  return /^[ -~]*$/.test(path) ? path : toText(path);
}

function isSame(a: DumpInode, b: DumpInode): boolean {
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || a.size !== b.size || a.rdev !== b.rdev) return false;
  if (a.digest !== b.digest || a.xattrs.size !== b.xattrs.size) return false;
  if ((a.mode & S_IFMT) === S_IFLNK && a.payload !== b.payload) return false;
  if (!(a.content ?? toBuffer("")).equals(b.content ?? toBuffer(""))) return false;
  for (const [name, value] of a.xattrs) if (b.xattrs.get(name) !== value) return false;
  return true;
}
