/** The packages of a tree: versions, and which package a file is from. From dpkg's database, which is part of the image. */
import { fieldOf, parseDeb822 } from "#formats/deb822.ts";
import type { Tree } from "./tree.ts";

export interface Packages {
  /** Name to version. */
  readonly versions: ReadonlyMap<string, string>;
  /** The package that brought this path. */
  ownerOf(path: string): string | undefined;
}

const DATABASE = "/usr/lib/sysimage/dpkg";

export function packagesOf(tree: Tree): Packages {
  const versions = new Map(
    parseDeb822(tree.text(`${DATABASE}/status`) ?? "").flatMap((paragraph) => {
      const [name, version] = [fieldOf(paragraph, "Package"), fieldOf(paragraph, "Version")];
      return name === undefined || version === undefined ? [] : [[name, version] as const];
    }),
  );
  let owners: Map<string, string> | undefined;
  return { versions, ownerOf: (path) => (owners ??= ownersIn(tree)).get(path) };
}

function ownersIn(tree: Tree): Map<string, string> {
  const owners = new Map<string, string>();
  for (const path of tree.nodes.keys()) {
    const name = /^\/usr\/lib\/sysimage\/dpkg\/info\/([^/:]+)(?::[^/]+)?\.list$/.exec(path)?.[1];
    if (name === undefined) continue;
    for (const line of (tree.text(path) ?? "").split("\n")) if (line !== "") owners.set(merged(line), name);
  }
  return owners;
}

/** Packages may still name /lib and /bin, which lie in /usr. */
function merged(path: string): string {
  return path.replace(/^\/(bin|sbin|lib|lib64)(?=\/)/, "/usr/$1");
}
