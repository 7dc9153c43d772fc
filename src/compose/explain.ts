/** Why an image has something: the package, the option, or the program that a path comes from; the same questions as in decide.ts. */
import { fromText, toText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { identity, linkTarget, ownersAround, parentOf } from "./decide.ts";
import { generatorOf } from "./generated.ts";
import { grainOf } from "./options.ts";
import type { Root } from "./root.ts";
import { unitFile, unitName, unitOf } from "./units.ts";

export interface Explanation {
  /** Where it lies in the image, links on the way followed. */
  readonly path: string;
  readonly inImage: boolean;
  /** Packages that list it, with their versions. */
  readonly packages: readonly { readonly name: string; readonly version: string }[];
  /** Option of the config that decides it: `files./etc/motd`. */
  readonly option?: string;
  /** What made it, when no package and no option did. */
  readonly by?: string;
}

/** A path, or the file of a unit that is named instead. */
export function explain(root: Root, name: string): Explanation {
  const path = resolve(root, fromText(name.startsWith("/") ? name : (unitFile(root, unitName(name)) ?? name)));
  const packages = root.database.ownersOf(path).flatMap((owner) => {
    const found = root.database.packages.get(owner);
    return found === undefined ? [] : [{ name: owner, version: found.version }];
  });
  const option = optionOf(root, path);
  const by = packages.length > 0 || option !== undefined ? undefined : makerOf(root, path);
  return {
    path: toText(path),
    inImage: root.nodes.has(path),
    packages,
    ...(option === undefined ? {} : { option }),
    ...(by === undefined ? {} : { by }),
  };
}

/** What two generations have at a path, as texts that are equal when it is the same. */
export function stateOf(root: Root, path: string): string {
  const node = root.inode(fromText(path));
  return node === undefined ? "" : identity(node);
}

/** Follows links in the folders above a path, as the kernel does, within the image. */
function resolve(root: Root, path: ByteString): ByteString {
  let at: ByteString = "";
  for (const part of path.split("/").slice(1, -1)) {
    at = `${at}/${part}`;
    at = linkTarget(at, root.inode(at)) ?? at;
  }
  return `${at}${path.slice(path.lastIndexOf("/"))}`;
}

function optionOf(root: Root, path: ByteString): string | undefined {
  const grain = grainOf(root.system, path);
  if (grain !== undefined) return grain.join(".");
  const unit = unitOf(root, path);
  if (unit === undefined) return undefined;
  if (Object.hasOwn(root.system.units, unit)) return `units.${unit}`;
  const link = /\.(wants|requires|upholds)$/.test(parentOf(path)) || root.inode(path)?.payload === "/dev/null";
  return link
    ? (["enable", "mask"] as const)
        .map((list) => (root.system.services[list].includes(unit) ? `services.${list}` : undefined))
        .find(Boolean)
    : undefined;
}

function makerOf(root: Root, path: ByteString): string | undefined {
  if (path.startsWith("/usr/lib/ashlar/") || /\/(ashlar-|[0-9]+-ashlar)[^/]*$/.test(path)) return "Ashlar";
  const generator = generatorOf(path)?.by;
  if (generator !== undefined) return generator;
  const script = [...root.database.packages.keys()].find((name) => root.database.scriptsOf(name).some((text) => text.includes(path)));
  if (script !== undefined) return `a script of ${script}`;
  const around = [...ownersAround(path, root, root)];
  return around.length === 1 ? `installing ${around[0]}` : undefined;
}
