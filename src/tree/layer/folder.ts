/**
 * A folder of files as a layer: a tree of its own that is laid over the others. Owners and the finer points of modes are not
 * taken from the folder, because a checkout has none worth keeping: everything is root's, programs are 0755, files 0644.
 */
import { readdirSync } from "node:fs";
import { AshlarError } from "#errors";
import { compareBytes, toText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import type { Store } from "#store/store.ts";
import type { Draft } from "../draft.ts";
import { scanTree } from "../scan.ts";
import type { Tree, TreeNode } from "../tree.ts";
import { putNode } from "./merge.ts";

export type LayerErrorCode = "E_LAYER_FOLDER" | "E_LAYER_CONFLICT" | "E_LAYER_KERNEL";

/** What a layer may not touch: the machine's own data, what the kernel makes, and what boots. */
const CLOSED = [
  "/boot",
  "/dev",
  "/efi",
  "/home",
  "/proc",
  "/root",
  "/run",
  "/srv",
  "/state",
  "/sys",
  "/sysroot",
  "/tmp",
  "/usr/lib/ashlar",
  "/usr/lib/modules",
  "/usr/lib/sysimage",
  "/var",
];

/** Reads a folder whose content is laid out as in `/`. @throws E_LAYER_FOLDER */
export async function readLayerFolder(folder: string, store: Store): Promise<Tree> {
  if (readdirSync(folder).length === 0) throw refused(`${folder} is empty`);
  const { nodes } = await scanTree(folder, store, { mtime: 0 });
  const plain = new Map<ByteString, TreeNode>();
  for (const [path, node] of nodes) {
    const closed = CLOSED.find((top) => path === top || path.startsWith(`${top}/`));
    if (closed !== undefined) throw refused(`${folder} has ${toText(path)}, but ${closed} is not a layer's to change`);
    plain.set(path, plainNode(folder, path, node, nodes));
  }
  return { mtime: 0, nodes: plain };
}

function plainNode(folder: string, path: ByteString, node: TreeNode, nodes: Tree["nodes"]): TreeNode {
  const owner = { uid: 0, gid: 0 };
  if (node.kind === "directory") return { kind: "directory", mode: 0o755, ...owner };
  if (node.kind === "file") return { kind: "file", mode: (node.mode & 0o111) === 0 ? 0o644 : 0o755, ...owner, content: node.content };
  if (node.kind === "symlink") return { kind: "symlink", mode: 0o777, ...owner, target: node.target };
  // Whether two names are one file is an accident of how the folder was made.
  if (node.kind === "hardlink") return plainNode(folder, path, nodes.get(node.target)!, nodes);
  throw refused(`${folder} has the ${node.kind} ${toText(path)}; a layer has files, folders and links`);
}

/**
 * Lays folders over a draft. Their order has no meaning: two that say different things of one path are refused.
 * @throws E_LAYER_CONFLICT, E_LAYER_FOLDER
 */
export function applyFolders(draft: Draft, folders: readonly Tree[]): void {
  const merged = new Map<ByteString, TreeNode>();
  for (const folder of folders)
    for (const [path, node] of folder.nodes) {
      const other = merged.get(path);
      if (other !== undefined && !sameNode(other, node))
        throw new AshlarError<LayerErrorCode>(
          "E_LAYER_CONFLICT",
          `two folders among the layers have different content for ${toText(path)}`,
          {
            hint: "take the file out of one of them; ashlar layer list shows the layers",
            details: { path: toText(path) },
          },
        );
      merged.set(path, node);
    }
  for (const path of [...merged.keys()].sort(compareBytes)) {
    const node = merged.get(path)!;
    const there = draft.nodes.get(path);
    if (node.kind === "directory" && there?.kind === "symlink")
      throw refused(`a folder has ${toText(path)} as a folder; in this system it is a link to ${toText(there.target)}`);
    if (node.kind !== "directory" || there?.kind !== "directory") putNode(draft, path, node);
  }
}

function sameNode(a: TreeNode, b: TreeNode): boolean {
  if (a.kind === "file" && b.kind === "file") {
    const id = ({ content }: typeof a): string => ("object" in content ? content.object : content.inline.toString("latin1"));
    return a.mode === b.mode && id(a) === id(b);
  }
  if (a.kind === "symlink" && b.kind === "symlink") return a.target === b.target;
  return a.kind === "directory" && b.kind === "directory";
}

function refused(why: string): AshlarError<LayerErrorCode> {
  return new AshlarError("E_LAYER_FOLDER", why, {
    hint: "lay the folder out as in /, for example FOLDER/usr/bin/tool or FOLDER/etc/tool.conf",
  });
}
