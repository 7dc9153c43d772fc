/** Where things lie in a store, and what lies there. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { hasErrno } from "#errors";
import { parseObjectId } from "./object.ts";
import type { ObjectId } from "./object.ts";

/** Absolute path of an object: the first two digits of its name are a folder, so that no folder grows huge. */
export function objectPath(root: string, object: ObjectId): string {
  return `${root}/objects/${object.slice(0, 2)}/${object.slice(2)}`;
}

/** Absolute path of the link that marks an object as an image. */
export function imagePath(root: string, image: ObjectId): string {
  return `${root}/images/${image}`;
}

/** Target of that link. */
export function imageTarget(image: ObjectId): string {
  return `../objects/${image.slice(0, 2)}/${image.slice(2)}`;
}

export interface Listing {
  /** Sorted. */
  readonly ids: readonly ObjectId[];
  /** Absolute paths of what does not belong there, sorted. */
  readonly strays: readonly string[];
}

/** Names of all objects, from the names alone. */
export function listObjects(root: string): Listing {
  const ids: ObjectId[] = [];
  const strays: string[] = [];
  for (const folder of entries(join(root, "objects"))) {
    const path = join(root, "objects", folder.name);
    if (!folder.isDirectory() || !/^[0-9a-f]{2}$/.test(folder.name)) {
      strays.push(path);
      continue;
    }
    for (const entry of entries(path)) {
      const id = parseObjectId(folder.name + entry.name);
      if (id !== undefined && entry.isFile()) ids.push(id);
      else strays.push(join(path, entry.name));
    }
  }
  return { ids: ids.sort(), strays: strays.sort() };
}

/** Names of all images, from the names alone. */
export function listImages(root: string): Listing {
  const ids: ObjectId[] = [];
  const strays: string[] = [];
  for (const entry of entries(join(root, "images"))) {
    const id = parseObjectId(entry.name);
    if (id !== undefined && entry.isSymbolicLink()) ids.push(id);
    else strays.push(join(root, "images", entry.name));
  }
  return { ids: ids.sort(), strays: strays.sort() };
}

function entries(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return [];
    throw error;
  }
}
