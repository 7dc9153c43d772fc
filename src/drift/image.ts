/** The image of a generation as drift needs it: its paths, and contents on demand. */
import { toText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import type { DumpEntry, DumpInode } from "#formats/composefs/dump-entry.ts";
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "#formats/file-mode.ts";

export interface ImageView {
  /** The inode at a path; of a hard link, that of its target. */
  node(path: ByteString): DumpInode | undefined;
  /** Every path below a folder, sorted by bytes. */
  below(folder: ByteString): readonly ByteString[];
  /** Names in a folder, sorted by bytes. */
  names(folder: ByteString): readonly string[];
  /** Content of a regular file, undefined when there is none at this path. Links are followed within the image. */
  text(path: string): string | undefined;
  content(node: DumpInode): Buffer;
}

/**
 * @param entries of the image, in any order
 * @param read gives the content of an object by its digest
 */
export function viewImage(entries: readonly DumpEntry[], read: (digest: string) => Buffer): ImageView {
  const nodes = new Map<ByteString, DumpInode>();
  for (const entry of entries) if (entry.hardlink === undefined) nodes.set(entry.path, entry);
  for (const entry of entries) {
    const target = entry.hardlink === undefined ? undefined : nodes.get(entry.hardlink);
    if (target !== undefined) nodes.set(entry.path, target);
  }
  let sorted: readonly ByteString[] | undefined;
  const below = (folder: ByteString): readonly ByteString[] => {
    sorted ??= [...nodes.keys()].sort();
    return sorted.filter((path) => path.startsWith(`${folder}/`));
  };
  const content = (node: DumpInode): Buffer => node.content ?? (node.digest === undefined ? Buffer.alloc(0) : read(node.digest));
  const follow = (path: ByteString, depth = 0): DumpInode | undefined => {
    const node = nodes.get(path);
    if (node === undefined || (node.mode & S_IFMT) !== S_IFLNK || depth > 8) return node;
    const target = node.payload ?? "";
    return follow(target.startsWith("/") ? target : normal(`${path.slice(0, path.lastIndexOf("/"))}/${target}`), depth + 1);
  };
  return {
    node: (path) => nodes.get(path),
    below,
    names: (folder) =>
      below(folder)
        .map((path) => path.slice(folder.length + 1))
        .filter((name) => !name.includes("/"))
        .map(toText),
    text: (path) => {
      const node = follow(path);
      return node === undefined || (node.mode & S_IFMT) !== S_IFREG ? undefined : content(node).toString();
    },
    content,
  };
}

export type NodeKind = "file" | "directory" | "symlink" | "other";

export function kindOf(mode: number): NodeKind {
  const type = mode & S_IFMT;
  return type === S_IFREG ? "file" : type === S_IFDIR ? "directory" : type === S_IFLNK ? "symlink" : "other";
}

function normal(path: ByteString): ByteString {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
