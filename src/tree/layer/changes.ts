/**
 * Which paths of an overlay differ from what lies below it, read from the layer that was written to: its files, its folders,
 * and what is missing from them. Contents are not looked at here.
 * https://docs.kernel.org/filesystems/overlayfs.html ("whiteouts and opaque directories", "redirect_dir")
 */
import { lstatSync, readdirSync } from "node:fs";
import { fromText, toBuffer } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { getXattr } from "#sys/xattr.ts";
import type { LayerRoot } from "./root.ts";
import type { Tree } from "../tree.ts";

export interface Changes {
  /** Whether a path may be new or different. Everything that is, is covered; some that is covered may be the same. */
  covers(path: ByteString): boolean;
  /** Paths of the base that are gone; what was below them is not listed. */
  readonly removed: readonly ByteString[];
}

/** @param base the tree that the overlay began with */
export function changesOf(root: LayerRoot, base: Tree): Changes {
  const written = new Set<ByteString>(["/"]);
  const whole: ByteString[] = [];
  const removed: ByteString[] = [];
  const children = childrenOf(base);
  const visit = (folder: ByteString): void => {
    const below = folder === "/" ? "" : folder;
    const visible = new Set(names(root.path, folder));
    for (const name of children.get(folder) ?? []) if (!visible.has(name)) removed.push(`${below}/${name}`);
    for (const name of names(root.upper, folder)) {
      const path = `${below}/${name}`;
      if (!visible.has(name)) continue;
      written.add(path);
      if (!lstatSync(at(root.upper, path)).isDirectory()) continue;
      if (base.nodes.get(path)?.kind === "directory" && !standsAlone(root.upper, path)) visit(path);
      else whole.push(`${path}/`);
    }
  };
  visit("/");
  // A folder that is a whole of its own may lack what the base has there.
  for (const prefix of whole)
    for (const path of base.nodes.keys()) if (path.startsWith(prefix) && !exists(root.path, path)) removed.push(path);
  return { covers: (path) => written.has(path) || whole.some((prefix) => path.startsWith(prefix)), removed };
}

/** Not merged with the base's folder of that name: it was made anew, or moved here. */
function standsAlone(upper: string, path: ByteString): boolean {
  const real = fromText(upper) + path;
  return getXattr(real, "trusted.overlay.opaque") === "y" || getXattr(real, "trusted.overlay.redirect") !== undefined;
}

function childrenOf(tree: Tree): ReadonlyMap<ByteString, readonly ByteString[]> {
  const children = new Map<ByteString, ByteString[]>();
  for (const path of tree.nodes.keys()) {
    if (path === "/") continue;
    const cut = path.lastIndexOf("/");
    const parent = path.slice(0, cut) || "/";
    const known = children.get(parent);
    if (known === undefined) children.set(parent, [path.slice(cut + 1)]);
    else known.push(path.slice(cut + 1));
  }
  return children;
}

const at = (root: string, path: ByteString): Buffer => Buffer.concat([Buffer.from(root), toBuffer(path)]);
const names = (root: string, folder: ByteString): ByteString[] => readdirSync(at(root, folder), { encoding: "latin1" });
const exists = (root: string, path: ByteString): boolean => lstatSync(at(root, path), { throwIfNoEntry: false }) !== undefined;
