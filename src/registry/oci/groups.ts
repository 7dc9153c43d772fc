/**
 * Which layer a path belongs to (docs/decisions/oci-layers.md): a path stays where it is from release to release, so that a
 * new version of one package changes that package's layer and the last one, which holds what belongs to no package.
 */
import { createHash } from "node:crypto";
import { compareBytes } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import type { ObjectId } from "#store/object.ts";
import type { FileContent, Tree } from "#tree/tree.ts";

export interface Group {
  /** For people, and the order of layers. */
  readonly name: string;
  /** Sorted by bytes; folders above them are not among them. */
  readonly paths: readonly ByteString[];
}

const LISTS = /^\/usr\/lib\/sysimage\/dpkg\/info\/([a-z0-9][a-z0-9.+-]*)(?::[a-z0-9-]+)?\.list$/;
/** Of any package's own file in the database: "libc6:amd64.md5sums". */
const INFO = /^\/usr\/lib\/sysimage\/dpkg\/info\/([a-z0-9][a-z0-9.+-]*?)(?::[a-z0-9-]+)?\.[a-z0-9]+$/;
/** Merged since Debian 12; old packages still list the short names. */
const MERGED = /^\/(bin|sbin|lib|lib32|lib64|libx32)\//;
/** Ashlar's Node and addons: a third of a small image, and the same for a long time. */
const RUNTIME = /^\/usr\/lib\/ashlar\/(node$|node_modules\/)/;
/** A package from this size on has a layer of its own. Bytes. */
const OWN_LAYER_MIN = 4 * 1024 * 1024;
/** All other packages share these layers, each in the one that its name's hash chooses. */
const SHARED_LAYERS = 32;
/** With the shared ones and the last, what overlayfs and registries take: 127. */
const OWN_LAYERS_MAX = 90;
export const REST = "config";

/** Every path that is no folder, and every empty folder, once. Layers of packages come first, sorted by name; {@link REST} is last. */
export function groupPaths(tree: Tree, read: (object: ObjectId) => Buffer): Group[] {
  const packages = packagesOf(tree, read);
  const filled = new Set([...tree.nodes.keys()].map(parentOf));
  const members = [...tree.nodes].flatMap(([path, node]) => {
    if (node.kind === "directory" && filled.has(path)) return [];
    // All names of one file are in one layer: a hard link cannot reach into another.
    const owner = ownerOf(node.kind === "hardlink" ? node.target : path, packages);
    return [{ path, owner, size: node.kind === "file" ? sizeOf(node.content) : 0 }];
  });
  const large = packagesWithOwnLayer(members);
  const groups = Map.groupBy(members, ({ owner }) => layerOf(owner, large));
  const order = (name: string): number => (name === REST ? 1 : 0);
  return [...groups]
    .map(([name, own]) => ({ name, paths: own.map(({ path }) => path).sort(compareBytes) }))
    .sort((a, b) => order(a.name) - order(b.name) || compareBytes(a.name, b.name));
}

/** Path to package, from dpkg's lists. Of several packages that list a path (folders, mostly), the first by name counts. */
function packagesOf(tree: Tree, read: (object: ObjectId) => Buffer): ReadonlyMap<ByteString, string> {
  const found = new Map<ByteString, string>();
  for (const path of [...tree.nodes.keys()].sort(compareBytes)) {
    const name = LISTS.exec(path)?.[1];
    const node = tree.nodes.get(path);
    if (name === undefined || node?.kind !== "file") continue;
    const text = "inline" in node.content ? node.content.inline : read(node.content.object);
    for (const line of text.toString("latin1").split("\n")) {
      const listed = line.replace(MERGED, "/usr/$1/");
      if (listed !== "" && !found.has(listed)) found.set(listed, name);
    }
  }
  return found;
}

function ownerOf(path: ByteString, packages: ReadonlyMap<ByteString, string>): string {
  if (RUNTIME.test(path)) return ":runtime";
  return packages.get(path) ?? INFO.exec(path)?.[1] ?? generatedFor(path);
}

/** The large files that installing makes: they change with the package that they were made for. */
function generatedFor(path: ByteString): string {
  if (path === "/usr/lib/udev/hwdb.bin") return "udev";
  const kernel = /^\/usr\/lib\/modules\/([^/]+)\//.exec(path)?.[1];
  return kernel === undefined ? "" : `linux-image-${kernel}`;
}

/** Nothing about other packages decides it, but where there are too many large ones, and then only their sizes. */
function packagesWithOwnLayer(members: readonly { readonly owner: string; readonly size: number }[]): ReadonlySet<string> {
  const sizes = new Map<string, number>();
  for (const { owner, size } of members) sizes.set(owner, (sizes.get(owner) ?? 0) + size);
  for (let least = OWN_LAYER_MIN; ; least *= 2) {
    const large = [...sizes].filter(([, size]) => size >= least);
    if (large.length <= OWN_LAYERS_MAX) return new Set(large.map(([name]) => name));
  }
}

function layerOf(owner: string, large: ReadonlySet<string>): string {
  if (owner === "") return REST;
  if (owner === ":runtime") return "ashlar";
  if (large.has(owner)) return `package ${owner}`;
  const number = (createHash("sha256").update(owner).digest()[0] ?? 0) % SHARED_LAYERS;
  return `packages ${String(number).padStart(2, "0")}`;
}

function sizeOf(content: FileContent): number {
  return "inline" in content ? content.inline.length : content.size;
}

function parentOf(path: ByteString): ByteString {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
