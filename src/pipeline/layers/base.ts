/** What deriving has to know of a base image, read from the image itself: so it is the same on every machine that has it. */
import type { System } from "#config/system.ts";
import { readImage } from "#formats/erofs/reader.ts";
import type { Image } from "#image/image.ts";
import type { LockedArchive } from "#lock/lock.ts";
import type { Store } from "#store/store.ts";
import { readText } from "#tree/draft.ts";
import { treeOf } from "#tree/parse.ts";
import type { Tree } from "#tree/tree.ts";

export interface LayerBase {
  readonly image: Image;
  readonly tree: Tree;
  /** Without secrets. */
  readonly system: System;
  /** dpkg's status file. */
  readonly installed: string;
  /** The archives that its packages were resolved from; none in images of an older Ashlar. */
  readonly archives: readonly LockedArchive[];
}

/** Where an image keeps the archives of its lock. */
export const ARCHIVES_FILE = "/usr/lib/ashlar/archives.json";

/** Reads a base whose objects are in the store. @throws RangeError when it is no image of a system */
export function readBase(image: Image, store: Store): LayerBase {
  const tree = treeOf(readImage(store.read(image.digest)));
  const text = (path: string): string | undefined => readText({ nodes: new Map(tree.nodes), store }, path);
  const system = text("/usr/lib/ashlar/system.json");
  const installed = text("/usr/lib/sysimage/dpkg/status");
  if (system === undefined || installed === undefined) throw new RangeError(`image ${image.digest} has no packages to put layers on`);
  return {
    image,
    tree,
    system: JSON.parse(system) as System,
    installed,
    archives: JSON.parse(text(ARCHIVES_FILE) ?? "[]") as LockedArchive[],
  };
}
