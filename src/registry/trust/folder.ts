/** The metadata of a release folder on this host. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "#sys/atomic.ts";
import { TIMESTAMP_FILE, metadataPath } from "./layout.ts";
import { readRaw } from "./metadata.ts";
import type { TrustFile } from "./place.ts";

/** Bytes of the current targets.json, found by way of timestamp and snapshot; undefined in a folder without. @throws E_TRUST_* */
export function currentTargets(read: (path: string) => Buffer | undefined, where: string): Buffer | undefined {
  const timestamp = read(TIMESTAMP_FILE);
  if (timestamp === undefined) return undefined;
  const snapshot = read(metadataPath("snapshot", versionIn(timestamp, "timestamp", `${where}/${TIMESTAMP_FILE}`)));
  if (snapshot === undefined) return undefined;
  return read(metadataPath("targets", versionIn(snapshot, "snapshot", where)));
}

/** Nothing is verified here: whoever uses the targets does. */
export function versionIn(bytes: Buffer, role: "timestamp" | "snapshot", where: string): number {
  const { signed } = readRaw(bytes, role, where);
  const meta = signed["meta"] as Readonly<Record<string, { version?: unknown } | undefined>> | undefined;
  const version = meta?.[role === "timestamp" ? "snapshot.json" : "targets.json"]?.version;
  return typeof version === "number" ? version : 0;
}

export function targetsOfFolder(folder: string): Buffer | undefined {
  return currentTargets((path) => (existsSync(join(folder, path)) ? readFileSync(join(folder, path)) : undefined), folder);
}

/** In order; what is there under a version stays, because versions are never used twice. */
export function writeTrust(folder: string, files: readonly TrustFile[]): void {
  mkdirSync(join(folder, "trust"), { recursive: true });
  for (const { path, bytes } of files)
    if (path === TIMESTAMP_FILE || !existsSync(join(folder, path))) writeFileAtomic(join(folder, path), bytes);
}
