/**
 * Keys of cached steps: the digest of everything that a step's result depends on, and nothing else. A step whose key is
 * known has been done before.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf } from "#formats/canonical-json.ts";
import type { LoadedSystem } from "#config/load.ts";
import type { Lock } from "#lock/lock.ts";
import { BASE_FORMAT } from "#tree/base-format.ts";

/** Only packages, and the locales that are generated from one of them, decide the base. */
export function baseKey(lock: Lock, locale: string): string {
  return digestOf({ format: BASE_FORMAT, packages: lock.packages.map((locked) => locked.sha256).sort(), epoch: epochOf(lock), locale });
}

/** Config, local sources, lock and Ashlar's own code decide the image. */
export function imageKey(loaded: LoadedSystem, lock: Lock): string {
  return digestOf({ config: loaded.digest, lock: digestOf(lock), ashlar: ashlarDigest() });
}

/** SOURCE_DATE_EPOCH: the newest date of the archives that a lock was resolved from; seconds since 1970. */
export function epochOf(lock: Lock): number {
  return Math.max(...lock.archives.map((archive) => Math.floor(Date.parse(archive.date) / 1000)));
}

const SOURCE = join(import.meta.dirname, "..");

let ownDigest: string | undefined;

/** sha256 over Ashlar's own source: a changed rule must change what is built. About 10 ms, once. */
export function ashlarDigest(): string {
  return (ownDigest ??= digestOfSource());
}

function digestOfSource(): string {
  const hash = createHash("sha256");
  const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" }).filter(
    (path) => /\.(ts|sh|pl)$/.test(path) && !path.endsWith(".test.ts"),
  );
  for (const path of files.sort()) hash.update(`${path}\0`).update(readFileSync(join(SOURCE, path)));
  return hash.digest("hex");
}
