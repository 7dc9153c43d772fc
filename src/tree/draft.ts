/**
 * A draft: a tree that is being changed. The only mutable form; `finish` gives the value back.
 * Paths are written with ordinary text in code ("/etc/passwd") and are ASCII there; byte strings elsewhere.
 */
import { compareBytes, fromText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import type { Store } from "#store/store.ts";
import { INLINE_CONTENT_MAX } from "./tree.ts";
import type { FileContent, Ownership, Tree, TreeNode } from "./tree.ts";

export interface Draft {
  readonly mtime: number;
  readonly nodes: Map<ByteString, TreeNode>;
  /** Files that had more than one name at the start: only these can have hard links to look for. */
  readonly linked: Set<ByteString>;
  readonly store: Store;
}

/** Starts a draft from a tree; the tree itself is not changed. */
export function draftOf(tree: Tree, store: Store): Draft {
  const linked = new Set<ByteString>();
  for (const node of tree.nodes.values()) if (node.kind === "hardlink") linked.add(node.target);
  return { mtime: tree.mtime, nodes: new Map(tree.nodes), linked, store };
}

/** The finished value. Hard links whose target was removed or replaced must not exist by now. */
export function finish(draft: Draft): Tree {
  return { mtime: draft.mtime, nodes: draft.nodes };
}

const ROOT_OWNED: Ownership = { mode: 0o755, uid: 0, gid: 0 };

/** Content as it is kept in a tree: small ones in the image itself, others as objects. */
export function contentFor(store: Store, bytes: Buffer): FileContent {
  return bytes.length <= INLINE_CONTENT_MAX ? { inline: bytes } : { object: store.add(bytes), size: bytes.length };
}

/** Puts a regular file, with missing parents as root's 0755. Another name of the same inode elsewhere keeps the old content. */
export function putFile(draft: Draft, path: ByteString, content: Buffer | string, ownership: Ownership): void {
  putContent(draft, path, contentFor(draft.store, typeof content === "string" ? Buffer.from(content) : content), ownership);
}

/** The same with content that is stored already. */
export function putContent(draft: Draft, path: ByteString, content: FileContent, ownership: Ownership): void {
  ensureParents(draft, path);
  detachHardlinks(draft, path);
  draft.nodes.set(path, { kind: "file", ...ownership, content });
}

export function putSymlink(draft: Draft, path: ByteString, target: ByteString): void {
  ensureParents(draft, path);
  detachHardlinks(draft, path);
  draft.nodes.set(path, { kind: "symlink", mode: 0o777, uid: 0, gid: 0, target });
}

/** Puts a directory, or gives an existing one this ownership. */
export function putDirectory(draft: Draft, path: ByteString, ownership: Ownership): void {
  ensureParents(draft, path);
  if (draft.nodes.get(path)?.kind !== "directory") removePath(draft, path);
  draft.nodes.set(path, { kind: "directory", ...ownership });
}

/** Removes a path and everything below it; nothing happens when it is not there. Returns how many nodes went. */
export function removePath(draft: Draft, path: ByteString): number {
  const node = draft.nodes.get(path);
  if (node === undefined) return 0;
  const doomed = node.kind === "directory" ? below(draft.nodes, path) : [];
  for (const child of doomed) {
    detachHardlinks(draft, child);
    draft.nodes.delete(child);
  }
  detachHardlinks(draft, path);
  draft.nodes.delete(path);
  return doomed.length + 1;
}

/** Moves a path and everything below it. */
export function movePath(draft: Draft, from: ByteString, to: ByteString): void {
  ensureParents(draft, to);
  const inside = draft.nodes.get(from)?.kind === "directory" ? below(draft.nodes, from) : [];
  for (const path of [from, ...inside]) {
    const node = draft.nodes.get(path);
    if (node === undefined) continue;
    draft.nodes.delete(path);
    draft.nodes.set(to + path.slice(from.length), node);
  }
  retargetHardlinks(draft, from, to);
}

/** Every path below `folder`, sorted by bytes. */
export function below(nodes: ReadonlyMap<ByteString, TreeNode>, folder: ByteString): ByteString[] {
  const prefix = folder === "/" ? "/" : `${folder}/`;
  const found: ByteString[] = [];
  for (const path of nodes.keys()) if (path.length > prefix.length && path.startsWith(prefix)) found.push(path);
  return found.sort(compareBytes);
}

/** Direct children of `folder` (paths), sorted by bytes. */
export function children(nodes: ReadonlyMap<ByteString, TreeNode>, folder: ByteString): ByteString[] {
  const from = folder === "/" ? 1 : folder.length + 1;
  return below(nodes, folder).filter((path) => path.indexOf("/", from) === -1);
}

/** Text of a regular file (following hard links, not symbolic ones), or undefined when there is no such file. */
export function readText(draft: Pick<Draft, "nodes" | "store">, path: ByteString): string | undefined {
  const node = draft.nodes.get(path);
  if (node?.kind === "hardlink") return readText(draft, node.target);
  if (node?.kind !== "file") return undefined;
  return ("inline" in node.content ? node.content.inline : draft.store.read(node.content.object)).toString();
}

/** Replaces the text of a file, keeping its owner and mode; does nothing when the file is missing. */
export function editText(draft: Draft, path: ByteString, edit: (text: string) => string): void {
  const node = draft.nodes.get(path);
  const text = readText(draft, path);
  if (node?.kind === "file" && text !== undefined)
    draft.nodes.set(path, { ...node, content: contentFor(draft.store, Buffer.from(edit(text))) });
}

/** A byte-string path from configuration text. */
export function pathOf(text: string): ByteString {
  return fromText(text);
}

function ensureParents(draft: Draft, path: ByteString): void {
  const parent = path.slice(0, path.lastIndexOf("/")) || "/";
  if (draft.nodes.has(parent)) return;
  if (parent !== "/") ensureParents(draft, parent);
  draft.nodes.set(parent, { kind: "directory", ...ROOT_OWNED });
}

/** When the canonical name of a hard-linked file goes away, the smallest remaining name becomes the file. */
function detachHardlinks(draft: Draft, path: ByteString): void {
  const node = draft.nodes.get(path);
  if (node?.kind !== "file" || !draft.linked.has(path)) return;
  const names = hardlinksTo(draft.nodes, path);
  const heir = names[0];
  if (heir === undefined) return;
  draft.nodes.set(heir, node);
  draft.linked.add(heir);
  for (const name of names.slice(1)) draft.nodes.set(name, { kind: "hardlink", target: heir });
}

function retargetHardlinks(draft: Draft, from: ByteString, to: ByteString): void {
  const moved = (target: ByteString): boolean => target === from || target.startsWith(`${from}/`);
  const affected = [...draft.linked].filter(moved);
  if (affected.length === 0) return;
  for (const target of affected) draft.linked.add(to + target.slice(from.length));
  for (const [path, node] of draft.nodes)
    if (node.kind === "hardlink" && moved(node.target))
      draft.nodes.set(path, { kind: "hardlink", target: to + node.target.slice(from.length) });
}

function hardlinksTo(nodes: ReadonlyMap<ByteString, TreeNode>, target: ByteString): ByteString[] {
  const names: ByteString[] = [];
  for (const [path, node] of nodes) if (node.kind === "hardlink" && node.target === target) names.push(path);
  return names.sort(compareBytes);
}
