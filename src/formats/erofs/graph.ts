/**
 * From entries to inodes: the directory graph of an image, with everything in it that overlayfs needs.
 * The steps and their order are those of docs/formats/image.md, "From dump to inodes".
 */
import type { ByteString } from "#formats/bytes.ts";
import type { DumpEntry, DumpHardlink } from "#formats/composefs/dump-entry.ts";
import { HIDDEN_NAMES, OPAQUE, WHITEOUTS_OPAQUE_XATTRS, WHITEOUTS_XATTRS } from "#formats/composefs/overlay.ts";
import { S_IFCHR, S_IFDIR, S_IFMT } from "#formats/file-mode.ts";
import { checkEntry } from "./check-entry.ts";
import { inputError } from "./errors.ts";
import { NAME_MAX } from "./format.ts";
import { inodeOf, isWhiteout } from "./inode-of.ts";
import { createInode } from "./inode.ts";
import type { Child, Inode } from "./inode.ts";
import { numberInodes } from "./number.ts";
import { rankKeys, setXattr } from "./xattr.ts";
import type { XattrTable } from "./xattr.ts";

/** Version of composefs, which changes how directories with whiteouts are marked. */
export type ImageVersion = 0 | 1;

export interface VersionRange {
  /** Lowest version to write; 0 when absent. */
  readonly minVersion?: ImageVersion;
  /** Highest version to write, taken only when the tree needs it; 1 when absent. */
  readonly maxVersion?: ImageVersion;
}

export interface Graph {
  readonly version: ImageVersion;
  /** All inodes in the order of the image, the root first. */
  readonly inodes: readonly Inode[];
  readonly xattrs: XattrTable;
}

/**
 * Builds the graph of `entries`, in which every directory comes before what it holds.
 * @throws E_EROFS_INPUT with the path of the entry that cannot be
 */
export function graphOf(entries: readonly DumpEntry[], versions: VersionRange = {}): Graph {
  const version = versionFor(entries, versions);
  const xattrs: XattrTable = new Map();
  const folders = new Map<ByteString, Folder>();
  const links: Link[] = [];

  let parentPath = "";
  let parent: Folder | undefined;
  for (const entry of entries) {
    if (entry.path === "/") {
      folders.set("/", createRoot(entry, folders, xattrs));
      continue;
    }
    const slash = entry.path.lastIndexOf("/");
    // Siblings mostly follow each other; their folder is looked up once.
    if (parent === undefined || slash !== parentPath.length || !entry.path.startsWith(parentPath)) {
      parentPath = entry.path.slice(0, Math.max(slash, 0));
      parent = folders.get(slash === 0 ? "/" : parentPath);
    }
    if (parent === undefined) throw inputError(entry.path, "its folder does not come before it");
    if (entry.hardlink !== undefined) {
      links.push({ link: entry, parent });
      continue;
    }
    checkEntry(entry);
    const inode = inodeOf(entry, xattrs);
    parent.children.push({ name: nameOf(entry.path, slash), inode, primary: true });
    if (inode.children !== undefined) addFolder(folders, entry.path, { inode, parent: parent.inode, children: inode.children });
    else if (isWhiteout(entry)) markWhiteouts(xattrs, parent.inode, version);
  }

  const root = folders.get("/");
  if (root === undefined) throw inputError("/", "there is no root");
  addLinks(links, folders);
  setXattr(xattrs, root.inode.xattrs, OPAQUE, "y");
  hideObjectFolders(root, xattrs);
  for (const folder of folders.values()) {
    folder.children.push({ name: ".", inode: folder.inode, primary: false }, { name: "..", inode: folder.parent, primary: false });
    sortChildren(folder.children);
  }
  rankKeys(xattrs);
  return { version, inodes: numberInodes(root.inode), xattrs };
}

interface Folder {
  readonly inode: Inode;
  readonly parent: Inode;
  readonly children: Child[];
}

interface Link {
  readonly link: DumpHardlink;
  readonly parent: Folder;
}

function versionFor(entries: readonly DumpEntry[], { minVersion = 0, maxVersion = 1 }: VersionRange): ImageVersion {
  if (minVersion === 0 && maxVersion === 1) return entries.some((entry) => entry.hardlink === undefined && isWhiteout(entry)) ? 1 : 0;
  return minVersion;
}

function createRoot(entry: DumpEntry, folders: ReadonlyMap<ByteString, Folder>, xattrs: XattrTable): Folder {
  if (folders.size > 0) throw inputError("/", "the root is there twice");
  if (entry.hardlink !== undefined || (entry.mode & S_IFMT) !== S_IFDIR) throw inputError("/", "the root is not a directory");
  checkEntry(entry);
  const inode = inodeOf(entry, xattrs);
  return { inode, parent: inode, children: inode.children ?? [] };
}

function addFolder(folders: Map<ByteString, Folder>, path: ByteString, folder: Folder): void {
  if (folders.has(path)) throw inputError(path, "the name is there twice");
  folders.set(path, folder);
}

/** Adds hard links when all other names are there, because a link may come before its target. */
function addLinks(links: readonly Link[], folders: ReadonlyMap<ByteString, Folder>): void {
  const inodesIn = new Map<Folder, Map<ByteString, Inode>>();
  const targetOf = ({ path, hardlink }: DumpHardlink): Inode => {
    const slash = hardlink.lastIndexOf("/");
    const folder = folders.get(slash > 0 ? hardlink.slice(0, slash) : "/");
    let inodes = folder === undefined ? undefined : inodesIn.get(folder);
    if (folder !== undefined && inodes === undefined) {
      inodes = new Map(folder.children.map((child) => [child.name, child.inode]));
      inodesIn.set(folder, inodes);
    }
    const inode = inodes?.get(hardlink.slice(slash + 1));
    if (inode === undefined) throw inputError(path, `a hard link to ${hardlink}, which is not an entry of its own`);
    if (inode.children !== undefined) throw inputError(path, `a hard link to the directory ${hardlink}`);
    return inode;
  };
  // All targets first: a link is not a target, and is not among the children yet.
  const inodes = links.map(({ link }) => targetOf(link));
  for (const [index, { link, parent }] of links.entries())
    parent.children.push({ name: nameOf(link.path, link.path.lastIndexOf("/")), inode: inodes[index]!, primary: false });
}

function nameOf(path: ByteString, slash: number): ByteString {
  const length = path.length - slash - 1;
  if (length === 0) throw inputError(path, "an empty name");
  if (length > NAME_MAX) throw inputError(path, `a name of more than ${NAME_MAX} bytes`);
  const name = path.slice(slash + 1);
  if (name === "." || name === ".." || name.includes("\0")) throw inputError(path, "a name no file can have");
  return name;
}

function markWhiteouts(xattrs: XattrTable, folder: Inode, version: ImageVersion): void {
  for (const name of WHITEOUTS_XATTRS) setXattr(xattrs, folder.xattrs, name, "");
  if (version === 1) for (const name of WHITEOUTS_OPAQUE_XATTRS) setXattr(xattrs, folder.xattrs, name, "x");
}

/** Adds real whiteouts `00`…`ff` to the root, except where the system has a file of that name. */
function hideObjectFolders(root: Folder, xattrs: XattrTable): void {
  const taken = new Set(root.children.map((child) => child.name));
  const label = root.inode.xattrs.find((xattr) => xattr.key.name === "security.selinux");
  const whiteout = { ...root.inode.entry, mode: S_IFCHR | 0o644, nlink: 1, rdev: 0 };
  for (const name of HIDDEN_NAMES) {
    if (taken.has(name)) continue;
    const inode = createInode({ ...whiteout, path: `/${name}` }, whiteout.mode, 0, { xattrs: [], children: undefined });
    if (label !== undefined) setXattr(xattrs, inode.xattrs, label.key.name, label.value);
    root.children.push({ name, inode, primary: true });
  }
}

/** Sorts by bytes, and refuses names that are there twice. */
function sortChildren(children: Child[]): void {
  children.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (let index = 1; index < children.length; index++)
    if (children[index - 1]!.name === children[index]!.name) throw inputError(children[index]!.inode.entry.path, "the name is there twice");
}
