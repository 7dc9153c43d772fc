/** Reads a root: a mounted one, or an image in the store, so that each generation can be asked what it declares. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { hasErrno } from "#errors";
import { fromText, toText } from "#formats/bytes.ts";
import type { DumpEntry } from "#formats/composefs/dump-entry.ts";
import { readImage } from "#formats/erofs/reader.ts";
import { S_IFMT, S_IFREG } from "#formats/file-mode.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";

export interface RootReader {
  /** Text of a regular file; undefined when there is none. */
  read(path: string): string | undefined;
  /** Names in a folder, sorted; none when it is missing. */
  list(folder: string): string[];
}

/** @param root where the root is mounted, "/" on a machine */
export function mountedRoot(root: string): RootReader {
  return {
    read: (path) => absentWhenMissing(() => readFileSync(join(root, path), "utf8")),
    list: (folder) => absentWhenMissing(() => readdirSync(join(root, folder)).sort()) ?? [],
  };
}

/**
 * An image by its digest; links are not followed.
 * @throws E_STORE_MISSING, E_EROFS_DAMAGED
 */
export function imageRoot(store: Store, image: ObjectId): RootReader {
  const nodes = new Map<string, DumpEntry>();
  const folders = new Map<string, string[]>();
  for (const node of readImage(store.read(image))) {
    nodes.set(node.path, node);
    const slash = node.path.lastIndexOf("/");
    const folder = node.path.slice(0, slash);
    const names = folders.get(folder) ?? [];
    folders.set(folder, names);
    names.push(node.path.slice(slash + 1));
  }
  return {
    read: (path) => {
      const named = nodes.get(fromText(path));
      const node = named?.hardlink === undefined ? named : nodes.get(named.hardlink);
      if (node === undefined || node.hardlink !== undefined || (node.mode & S_IFMT) !== S_IFREG) return undefined;
      return (node.digest === undefined ? (node.content ?? Buffer.alloc(0)) : store.read(node.digest as ObjectId)).toString("utf8");
    },
    list: (folder) => (folders.get(fromText(folder)) ?? []).map(toText).sort(),
  };
}

function absentWhenMissing<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EISDIR", "ELOOP"].some((errno) => hasErrno(error, errno))) return undefined;
    throw error;
  }
}
