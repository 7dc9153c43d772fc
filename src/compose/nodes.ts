/** The inodes of a composed root: taken from two images, put into one order with one time. */
import { AshlarError } from "#errors";
import { compareBytes, toBuffer, toText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { objectPayload } from "#formats/composefs/dump-entry.ts";
import type { DumpEntry, DumpInode } from "#formats/composefs/dump-entry.ts";
import { verityDigest } from "#formats/fsverity.ts";
import type { ObjectId } from "#store/object.ts";
import { isDirectory, parentOf } from "./decide.ts";
import type { Origin } from "./decide.ts";
import type { ComposeErrorCode } from "./errors.ts";
import type { Root } from "./root.ts";

/** As in every image (docs/formats/image.md): smaller content lies in the image itself. */
const INLINE_MAX = 64;

export interface ComposedNodes {
  readonly entries: readonly DumpEntry[];
  /** Contents that neither image has. */
  readonly contents: ReadonlyMap<ObjectId, Buffer>;
}

export interface Decisions {
  readonly origins: ReadonlyMap<ByteString, Origin>;
  /** Files that were composed themselves; undefined removes one. */
  readonly texts: ReadonlyMap<ByteString, ByteString | undefined>;
  /** Whether somebody wants a folder even if it is empty. */
  readonly keeps: (folder: ByteString) => boolean;
}

/**
 * Puts the nodes together.
 * @throws E_COMPOSE_FILE when something would lie in what is no folder
 */
export function composeNodes(newer: Root, older: Root, { origins, texts, keeps }: Decisions): ComposedNodes {
  const taken = new Map<ByteString, Taken>();
  for (const [path, origin] of origins) {
    const root = origin === "older" ? older : newer;
    const inode = origin === "none" ? undefined : root.inode(path);
    if (inode !== undefined) taken.set(path, { inode, from: root });
  }
  const contents = new Map<ObjectId, Buffer>();
  for (const [path, text] of texts) {
    const known = newer.inode(path) ?? older.inode(path);
    taken.delete(path);
    if (text === undefined || known === undefined) continue;
    const content = toBuffer(text);
    const object = content.length > INLINE_MAX ? (verityDigest(content) as ObjectId) : undefined;
    if (object !== undefined) contents.set(object, content);
    taken.set(path, { inode: withContent({ ...known, path }, content, object), from: undefined });
  }
  addFolders(taken, newer, older);
  removeEmptied(taken, { newer, older, keeps });
  return { entries: entriesOf(taken, newer.image.epoch), contents };
}

interface Taken {
  readonly inode: DumpInode;
  /** Undefined for what was composed itself. */
  readonly from: Root | undefined;
}

function withContent(inode: DumpInode, content: Buffer, object: ObjectId | undefined): DumpInode {
  const size = content.length;
  if (object !== undefined) return { ...inode, size, digest: object, payload: objectPayload(object), content: undefined };
  return { ...inode, size, digest: undefined, payload: undefined, content: size === 0 ? undefined : content };
}

function addFolders(taken: Map<ByteString, Taken>, newer: Root, older: Root): void {
  for (const path of taken.keys()) {
    for (let folder = parentOf(path); ; folder = parentOf(folder)) {
      const there = taken.get(folder);
      if (there !== undefined && !isDirectory(there.inode))
        throw new AshlarError<ComposeErrorCode>("E_COMPOSE_FILE", `${toText(path)} would lie in ${toText(folder)}, which is no folder`, {
          hint: "go back as a whole (`ashlar rollback`); nothing was changed",
          details: { path: toText(path) },
        });
      if (there !== undefined) break;
      const root = isDirectory(newer.inode(folder)) ? newer : older;
      const inode = root.inode(folder);
      if (inode !== undefined) taken.set(folder, { inode, from: root });
      if (folder === "/") break;
    }
  }
}

/** Folders that held something in the image they come from, and hold nothing now, were there for what went. */
function removeEmptied(
  taken: Map<ByteString, Taken>,
  { newer, older, keeps }: { readonly newer: Root; readonly older: Root; readonly keeps: Decisions["keeps"] },
): void {
  const children = countChildren(taken.keys());
  const before = new Map([newer, older].map((root) => [root, countChildren(root.nodes.keys())]));
  const folders = [...taken].filter(([, { inode }]) => isDirectory(inode)).map(([path]) => path);
  for (const path of folders.sort((a, b) => compareBytes(b, a))) {
    const from = taken.get(path)?.from;
    if ((children.get(path) ?? 0) > 0 || from === undefined || keeps(path)) continue;
    const listed = from.database.ownersOf(path).length > 0;
    if (!listed && (before.get(from)?.get(path) ?? 0) === 0) continue;
    taken.delete(path);
    children.set(parentOf(path), (children.get(parentOf(path)) ?? 1) - 1);
  }
}

function countChildren(paths: Iterable<ByteString>): Map<ByteString, number> {
  const counts = new Map<ByteString, number>();
  for (const path of paths) if (path !== "/") counts.set(parentOf(path), (counts.get(parentOf(path)) ?? 0) + 1);
  return counts;
}

/** Names of one inode of one image stay one inode; the smallest name has it, the others are links to that. */
function entriesOf(taken: ReadonlyMap<ByteString, Taken>, mtime: number): DumpEntry[] {
  const paths = [...taken.keys()].sort(compareBytes);
  const first = new Map<DumpInode, ByteString>();
  const links = new Map<DumpInode, number>();
  for (const path of paths) {
    const { inode } = taken.get(path)!;
    if (!first.has(inode)) first.set(inode, path);
    links.set(inode, (links.get(inode) ?? 0) + 1);
  }
  return paths.map((path) => {
    const { inode } = taken.get(path)!;
    const name = first.get(inode)!;
    return name === path ? { ...inode, path, mtime, mtimeNsec: 0, nlink: links.get(inode)! } : { path, hardlink: name };
  });
}
