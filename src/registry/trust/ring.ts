/**
 * A folder of keys: who signs for a family of machines.
 *
 *   keys.json          how long each kind of metadata is good, in days
 *   1.root.json …      every root so far; 1.root.json goes into the first image (`updates.root`)
 *   offline-1.key …    sign root and targets: needed to publish and to rotate; keep them, or copies, apart
 *   online-1.key …     sign snapshot and timestamp: enough to renew what is published
 *
 * A key file may be elsewhere: what is not here does not sign, and only a role's threshold counts.
 */
import { Metadata, MetadataKind } from "@tufjs/models";
import type { Root } from "@tufjs/models";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { AshlarError, messageOf } from "#errors";
import { ShapeError, integer, literal, record } from "#formats/shape.ts";
import type { TrustErrorCode } from "./errors.ts";
import { readKeyFile } from "./key-file.ts";
import type { KeyFile } from "./key-file.ts";
import type { Role } from "./layout.ts";
import { readRaw } from "./metadata.ts";
import type { JsonObject } from "./metadata.ts";
import { verifying } from "./verdict.ts";

export const SETTINGS_FILE = "keys.json";

const days = integer(1, 3650);
export const settingsShape = record({
  format: literal("ashlar-keys"),
  version: literal(1),
  days: record({ root: days, targets: days, snapshot: days, timestamp: days }),
});

export type KeySettings = ReturnType<typeof settingsShape>;

export interface PresentKey {
  readonly path: string;
  readonly file: KeyFile;
}

export interface KeyRing {
  readonly folder: string;
  readonly settings: KeySettings;
  /** Bytes of every root, from 1. */
  readonly roots: readonly Buffer[];
  readonly root: Metadata<Root>;
  /** Private keys that are in the folder, of the root or not. */
  readonly keys: readonly PresentKey[];
  /** Asked once, and only when an encrypted key is needed. */
  readonly passphrase: () => string;
}

/** @throws E_KEYS_FOLDER */
export function openRing(folder: string, passphrase: () => string): KeyRing {
  const settings = readSettings(folder);
  const roots: Buffer[] = [];
  for (let path = join(folder, "1.root.json"); existsSync(path); path = join(folder, `${roots.length + 1}.root.json`))
    roots.push(readFileSync(path));
  const newest = roots.at(-1);
  if (newest === undefined) throw noRing(folder, "it has no 1.root.json");
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(".key"))
    .sort()
    .map((name): PresentKey => ({ path: join(folder, name), file: readKeyFile(join(folder, name)) }));
  // A copy of a key signs no second time, so it must not count for a threshold.
  const keys = [...new Map(files.map((key) => [key.file.keyid, key])).values()];
  let known: string | undefined;
  return { folder, settings, roots, root: readRoot(newest, folder), keys, passphrase: () => (known ??= passphrase()) };
}

export function readRoot(bytes: Buffer, where: string): Metadata<Root> {
  readRaw(bytes, "root", where);
  return verifying("root", where, () => Metadata.fromJSON(MetadataKind.Root, JSON.parse(bytes.toString("utf8")) as JsonObject));
}

/** The keys of a role that are here. */
export function keysOf(ring: KeyRing, role: Role, root: Metadata<Root> = ring.root): PresentKey[] {
  const ids = root.signed.roles[role]?.keyIDs ?? [];
  return ring.keys.filter(({ file }) => ids.includes(file.keyid));
}

function readSettings(folder: string): KeySettings {
  const path = join(folder, SETTINGS_FILE);
  if (!existsSync(path)) throw noRing(folder, `it has no ${SETTINGS_FILE}`);
  try {
    return settingsShape(JSON.parse(readFileSync(path, "utf8")), "");
  } catch (error) {
    if (!(error instanceof ShapeError || error instanceof SyntaxError)) throw error;
    throw noRing(folder, `${SETTINGS_FILE}: ${messageOf(error)}`);
  }
}

function noRing(folder: string, why: string): AshlarError<TrustErrorCode> {
  return new AshlarError("E_KEYS_FOLDER", `${folder} is no folder of keys: ${why}`, {
    hint: `make one: ashlar keys init ${folder}`,
    details: { folder },
  });
}
