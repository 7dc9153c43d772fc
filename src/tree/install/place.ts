/**
 * Where a path of an archive really goes below a root: symbolic links of earlier packages (merged /usr: /lib → usr/lib)
 * are followed inside the root, never out of it.
 */
import { lstatSync, mkdirSync, readlinkSync } from "node:fs";
import { posix } from "node:path";
import { toBuffer } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { hasErrno } from "#errors";

const MAX_LINKS = 40;

/** Finds the folder on disk for a path's parent; remembers what it found. */
export interface Placer {
  /** Absolute path on the build host for an archive's absolute path; the parent folder exists afterwards. */
  place(path: ByteString): Buffer;
  /** Makes the folder itself (or finds what a link of that name leads to). */
  folder(path: ByteString): void;
}

export function createPlacer(root: string): Placer {
  const known = new Map<ByteString, ByteString>([["/", "/"]]);
  const onDisk = (path: ByteString): Buffer => Buffer.concat([Buffer.from(root), toBuffer(path === "/" ? "" : path)]);

  /** The real folder (inside the root) behind `folder`, created when missing. */
  function realFolder(folder: ByteString, depth: number): ByteString {
    const cached = known.get(folder);
    if (cached !== undefined) return cached;
    if (depth > MAX_LINKS) throw new RangeError(`too many symbolic links at ${folder}`);
    const parent = realFolder(posix.dirname(folder), depth);
    const path = posix.join(parent, posix.basename(folder));
    const target = linkTarget(onDisk(path));
    const real = target === undefined ? path : realFolder(posix.resolve(parent, target), depth + 1);
    if (target === undefined) mkdirSync(onDisk(path), { recursive: true, mode: 0o755 });
    known.set(folder, real);
    return real;
  }

  return {
    place: (path) => (path === "/" ? onDisk("/") : onDisk(posix.join(realFolder(posix.dirname(path), 0), posix.basename(path)))),
    folder: (path) => void realFolder(path, 0),
  };
}

function linkTarget(path: Buffer): ByteString | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path, { encoding: "latin1" }) : undefined;
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}
