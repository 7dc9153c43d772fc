/** Gathers cpio entries: files of a tree with the links that lead to them, and the libraries that ELF files need. */
import { AshlarError } from "#errors";
import type { ByteString } from "#formats/bytes.ts";
import type { CpioEntry } from "#formats/cpio.ts";
import { readElfNeeds } from "#formats/elf.ts";
import type { Store } from "#store/store.ts";
import type { Tree } from "#tree/tree.ts";
import type { BootErrorCode } from "../errors.ts";
import { readInTree, resolveInTree } from "./tree-reader.ts";

export interface Gathering {
  readonly tree: Tree;
  readonly store: Store;
  /** Entries by path without the leading slash. */
  readonly entries: Map<ByteString, CpioEntry>;
  /** Folders that the dynamic loader searches by default. */
  readonly libraries: readonly string[];
}

export function startGathering(tree: Tree, store: Store): Gathering {
  const multiarch = [...tree.nodes.keys()].filter((path) => /^\/usr\/lib\/[^/]+-linux-gnu[^/]*$/.test(path)).sort();
  return { tree, store, entries: new Map(), libraries: [...multiarch, "/usr/lib"] };
}

/**
 * Takes a file of the tree, the links on the way to it, and what it needs to run.
 * @throws E_INITRD_MISSING when the tree has no such file
 */
export function takeFile(into: Gathering, path: ByteString): void {
  take(into, path, into.libraries);
}

function take(into: Gathering, path: ByteString, folders: readonly string[]): void {
  const found = resolveInTree(into.tree, path);
  const content = readInTree(into.tree, into.store, path);
  if (found?.node.kind !== "file" || content === undefined) throw missing(path);
  for (const link of found.links) putLink(into, link.path, link.target);
  if (into.entries.has(found.path.slice(1))) return;
  putFile(into, found.path, content, found.node.mode & 0o777);
  takeNeeds(into, { path: found.path, content, folders });
}

/** Takes a file when the tree has it. @returns whether it has */
export function takeOptional(into: Gathering, path: ByteString): boolean {
  if (resolveInTree(into.tree, path)?.node.kind !== "file") return false;
  takeFile(into, path);
  return true;
}

export function putFile(into: Gathering, path: ByteString, content: Buffer | string, mode = 0o644): void {
  putParents(into, path);
  into.entries.set(path.slice(1), { kind: "file", path: path.slice(1), mode, content: Buffer.from(content) });
}

export function putLink(into: Gathering, path: ByteString, target: ByteString): void {
  putParents(into, path);
  into.entries.set(path.slice(1), { kind: "symlink", path: path.slice(1), target });
}

export function putDirectory(into: Gathering, path: ByteString): void {
  putParents(into, path);
  if (!into.entries.has(path.slice(1))) into.entries.set(path.slice(1), { kind: "directory", path: path.slice(1), mode: 0o755 });
}

function putParents(into: Gathering, path: ByteString): void {
  const parent = path.slice(0, path.lastIndexOf("/"));
  if (parent !== "") putDirectory(into, parent);
}

interface Taken {
  readonly path: ByteString;
  readonly content: Buffer;
  /** Where whoever needs this file finds its libraries: what is loaded already satisfies a library without RUNPATH. */
  readonly folders: readonly string[];
}

function takeNeeds(into: Gathering, file: Taken): void {
  const needs = readElfNeeds(file.content, file.path);
  if (needs === undefined) return;
  if (needs.interpreter !== undefined) takeFile(into, needs.interpreter);
  const origin = file.path.slice(0, file.path.lastIndexOf("/"));
  const folders = [...new Set([...needs.runpath.map((folder) => folder.replace(/\$\{?ORIGIN\}?/, origin)), ...file.folders])];
  const takeLibrary = (soname: string): boolean => {
    const folder = folders.find((candidate) => resolveInTree(into.tree, `${candidate}/${soname}`)?.node.kind === "file");
    if (folder !== undefined) take(into, `${folder}/${soname}`, folders);
    return folder !== undefined;
  };
  for (const soname of needs.needed) if (!takeLibrary(soname)) throw missing(`${soname} (needed by ${file.path})`);
  for (const alternatives of needs.opened) alternatives.some(takeLibrary);
}

function missing(path: string): AshlarError<BootErrorCode> {
  return new AshlarError("E_INITRD_MISSING", `the initrd needs ${path}, which the machine's packages do not bring`, {
    hint: "add the package that brings it to packages (`apt-file search FILE` on any Debian names it)",
    details: { path },
  });
}
