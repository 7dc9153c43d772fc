/** Which old object a new one is most like: what had its path, or nearly its path, in the image before. */
import { readImage } from "#formats/erofs/reader.ts";
import type { ObjectId } from "#store/object.ts";

/** An image by its names. */
export interface NamedObjects {
  /** Each object with its paths in the order of bytes. */
  readonly paths: ReadonlyMap<ObjectId, readonly string[]>;
  readonly sizes: ReadonlyMap<ObjectId, number>;
}

/** @param image bytes of a composefs image. @throws E_EROFS_DAMAGED */
export function namedObjects(image: Buffer): NamedObjects {
  const paths = new Map<ObjectId, string[]>();
  const sizes = new Map<ObjectId, number>();
  for (const entry of readImage(image)) {
    if (entry.hardlink !== undefined || entry.digest === undefined) continue;
    const object = entry.digest as ObjectId;
    sizes.set(object, entry.size);
    const known = paths.get(object);
    if (known === undefined) paths.set(object, [entry.path]);
    else known.push(entry.path);
  }
  return { paths, sizes };
}

/** Finds the predecessor of a new object; undefined where no old one is like it. */
export function predecessorsIn(old: NamedObjects): (paths: readonly string[], size: number) => ObjectId | undefined {
  const [exact, near, named] = [new Map<string, ObjectId>(), new Map<string, ObjectId[]>(), new Map<string, ObjectId[]>()];
  for (const [object, paths] of old.paths)
    for (const path of paths) {
      exact.set(path, object);
      append(near, withoutVersions(path), object);
      append(named, baseOf(withoutVersions(path)), object);
    }
  return (paths, size) => {
    const nearest = (candidates: readonly ObjectId[] | undefined): ObjectId | undefined =>
      candidates?.reduce((best, each) => (distance(each, size) < distance(best, size) ? each : best));
    for (const path of paths) {
      const found = exact.get(path) ?? nearest(near.get(withoutVersions(path)));
      if (found !== undefined) return found;
    }
    for (const path of paths) {
      const found = nearest(named.get(baseOf(withoutVersions(path))));
      // A name alone says little: README, index.html.
      if (found !== undefined && distance(found, size) <= size / 2) return found;
    }
    return undefined;
  };

  function distance(object: ObjectId, size: number): number {
    return Math.abs((old.sizes.get(object) ?? 0) - size);
  }
}

function append(map: Map<string, ObjectId[]>, key: string, object: ObjectId): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [object]);
  else known.push(object);
}

/** `libicuuc.so.72.1` and `modules/6.12.117+deb13-cloud-amd64` without what a new version changes. */
function withoutVersions(path: string): string {
  return path.replace(/\d+(?:[.+~-]\d+)*/g, "#").replace(/\.(xz|zst|gz)$/, "");
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
