/** Reads a Tree as if it were a mounted root: follows symbolic and hard links, also in the middle of a path. */
import type { ByteString } from "#formats/bytes.ts";
import type { Store } from "#store/store.ts";
import type { Tree, TreeNode } from "#tree/tree.ts";

/** As many as the kernel follows (`man 7 path_resolution`). */
const LINKS_MAX = 40;

export interface Resolved {
  /** Where the last component really is. */
  readonly path: ByteString;
  readonly node: Exclude<TreeNode, { kind: "symlink" | "hardlink" }>;
  /** Symbolic links that were followed, in that order. */
  readonly links: readonly { readonly path: ByteString; readonly target: ByteString }[];
}

/** Follows `path` to a node that is no link; undefined when it leads nowhere. */
export function resolveInTree(tree: Tree, path: ByteString): Resolved | undefined {
  const links: { path: ByteString; target: ByteString }[] = [];
  let rest = components(path);
  let at: ByteString[] = [];
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (name === "..") {
      at.pop();
      continue;
    }
    const here = `/${[...at, name].join("/")}`;
    const node = tree.nodes.get(here);
    if (node === undefined) return undefined;
    if (node.kind !== "symlink") {
      at.push(name);
      continue;
    }
    links.push({ path: here, target: node.target });
    if (links.length > LINKS_MAX) return undefined;
    if (node.target.startsWith("/")) at = [];
    rest = [...components(node.target), ...rest];
  }
  const found = `/${at.join("/")}`;
  const named = tree.nodes.get(found);
  const node = named?.kind === "hardlink" ? tree.nodes.get(named.target) : named;
  return node === undefined || node.kind === "symlink" || node.kind === "hardlink" ? undefined : { path: found, node, links };
}

/** Content of a regular file, links followed; undefined when there is none. */
export function readInTree(tree: Tree, store: Store, path: ByteString): Buffer | undefined {
  const node = resolveInTree(tree, path)?.node;
  if (node?.kind !== "file") return undefined;
  return "inline" in node.content ? node.content.inline : store.read(node.content.object);
}

function components(path: ByteString): ByteString[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}
