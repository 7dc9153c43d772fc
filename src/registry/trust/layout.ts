/**
 * The files that vouch for releases (https://theupdateframework.github.io/specification/v1.0.31/, consistent snapshots):
 *
 *   trust/1.root.json, 2.root.json …   who may sign what; each signed by the one before
 *   trust/<version>.targets.json       releases: length and sha256 of their manifests, channel, barrier
 *   trust/<version>.snapshot.json      which targets.json is the current one
 *   trust/timestamp.json               which snapshot is; the last file that publishing writes
 *
 * Limits are about ten times what a long-lived folder has; nothing beyond them is read.
 */

export type Role = "root" | "timestamp" | "snapshot" | "targets";

export const TIMESTAMP_FILE = "trust/timestamp.json";

export function metadataPath(role: Exclude<Role, "timestamp">, version: number): string {
  return `trust/${version}.${role}.json`;
}

/** Most bytes of each. */
export const METADATA_MAX = { root: 64 * 1024, timestamp: 16 * 1024, snapshot: 16 * 1024, targets: 1024 * 1024 } as const;

/** New roots in one look: a machine that was off through more rotations looks again. */
export const ROOTS_MAX = 256;
