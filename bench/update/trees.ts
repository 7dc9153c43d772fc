/** The trees of a pair as folders and images for peers: as they are in Ashlar's image, and as Debian's packages have them. */
import { chmodSync, lchownSync, lutimesSync, mkdirSync, readFileSync, symlinkSync, writeFileSync, linkSync } from "node:fs";
import { join } from "node:path";
import { fetchPackages } from "#archive/download.ts";
import { compareBytes, toBuffer } from "#formats/bytes.ts";
import { readDeb } from "#formats/deb.ts";
import { readTar } from "#formats/tar/reader.ts";
import type { Context } from "#pipeline";
import type { Store } from "#store/store.ts";
import { parseTree } from "#tree/dump.ts";
import type { Tree, TreeNode } from "#tree/tree.ts";
import type { Version } from "./pair.ts";

const PROGRAM = "/usr/lib/ashlar";

/** The tree of the image, with the initrd in it where other systems have theirs. */
export function ourTree({ record }: Version, store: Store): Tree {
  const tree = parseTree(store.read(record.dump).toString("latin1"));
  const nodes = new Map(tree.nodes);
  const { initrd } = record.image.kernel!;
  const content = { object: initrd, size: store.read(initrd).length };
  nodes.set("/boot/initrd.img", { kind: "file", mode: 0o644, uid: 0, gid: 0, content });
  return { ...tree, nodes };
}

/** The same with the kernel's modules packed as its package has them, and without Ashlar's own program. */
export async function stockTree(version: Version, store: Store, context: Context): Promise<Tree> {
  const tree = ourTree(version, store);
  const nodes = new Map([...tree.nodes].filter(([path]) => path !== PROGRAM && !path.startsWith(`${PROGRAM}/`)));
  const kernel = version.lock.packages.find(({ name }) => /^linux-image-\d/.test(name))!;
  const archive = (await fetchPackages([kernel], context)).get(kernel.sha256)!;
  for (const entry of readTar((await readDeb(readFileSync(archive))).dataTar)) {
    if (entry.type !== "file" || !entry.path.endsWith(".ko.xz")) continue;
    const { mode, uid, gid, content } = entry;
    nodes.delete(entry.path.slice(0, -".xz".length));
    nodes.set(entry.path, { kind: "file", mode, uid, gid, content: { object: store.add(content), size: content.length } });
  }
  return { ...tree, nodes };
}

/** Writes a tree as a folder. Needs root. */
function writeTree(tree: Tree, store: Store, folder: string): void {
  mkdirSync(folder);
  const at = (path: string): Buffer => Buffer.concat([Buffer.from(folder), toBuffer(path)]);
  const sorted = [...tree.nodes].sort(([a], [b]) => compareBytes(a, b));
  for (const [path, node] of sorted) put(at(path), node, store);
  // After all files have their first name.
  for (const [path, node] of sorted) if (node.kind === "hardlink") linkSync(at(node.target), at(path));
  for (const [path, node] of sorted.toReversed()) {
    if (node.kind === "hardlink") continue;
    lchownSync(at(path), node.uid, node.gid);
    if (node.kind !== "symlink") chmodSync(at(path), node.mode);
    lutimesSync(at(path), tree.mtime, tree.mtime);
  }
}

function put(path: Buffer, node: TreeNode, store: Store): void {
  if (node.kind === "directory") mkdirSync(path, { recursive: true });
  else if (node.kind === "symlink") symlinkSync(toBuffer(node.target), path);
  else if (node.kind === "file") writeFileSync(path, "inline" in node.content ? node.content.inline : store.read(node.content.object));
  else if (node.kind !== "hardlink") throw new Error(`a ${node.kind} in a tree of packages`);
}

export interface PeerInput {
  /** "stock" or "ours". */
  readonly name: string;
  readonly folders: readonly [string, string];
}

/** Both trees of a pair as folders below `folder`. */
export function writeTrees(name: string, trees: readonly [Tree, Tree], store: Store, folder: string): PeerInput {
  const folders = [join(folder, `${name}-old`), join(folder, `${name}-new`)] as const;
  writeTree(trees[0], store, folders[0]);
  writeTree(trees[1], store, folders[1]);
  return { name, folders };
}
