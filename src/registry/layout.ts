/**
 * A release folder: static files that any web server, or a USB stick, can hold.
 *
 *   ashlar.json                  format and version of this folder
 *   releases/<sequence>.json     the manifests
 *   trust/…                      who vouches for them (trust/layout.ts)
 *   objects/ab/<rest>.zst        each object as one zstd frame, named by the digest of its content
 *
 * One encoding for all objects means one request for each and no guessing. A manifest counts by its digest in the signed
 * targets.json, an object by its digest in the manifest.
 */
import { join } from "node:path";
import { literal, record } from "#formats/shape.ts";
import type { ObjectId } from "#store/object.ts";
import { namesIfThere } from "#sys/if-there.ts";

export const FOLDER_FILE = "ashlar.json";
export const FOLDER_FORMAT = "ashlar-releases";

export const folderShape = record({ format: literal(FOLDER_FORMAT), version: literal(1) });

export function manifestPath(sequence: number): string {
  return `releases/${sequence}.json`;
}

/** Inverse of {@link manifestPath}; undefined for other paths. */
export function sequenceOf(path: string): number | undefined {
  const digits = /^releases\/([1-9]\d{0,14})\.json$/.exec(path)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The numbers of the manifests in a release folder, rising. */
export function sequencesIn(folder: string): number[] {
  return namesIfThere(join(folder, "releases"))
    .flatMap((name) => sequenceOf(`releases/${name}`) ?? [])
    .sort((a, b) => a - b);
}

export function objectPath(object: ObjectId): string {
  return `objects/${object.slice(0, 2)}/${object.slice(2)}.zst`;
}

/** Most bytes that a zstd frame of `size` bytes can have (ZSTD_compressBound, and room for its header and checksum). */
export function encodedMax(size: number): number {
  return size + Math.ceil(size / 256) + 1024;
}
