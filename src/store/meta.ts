/**
 * `meta.json`: which layout a store has. Features come in three lists, as in ext4 and EROFS: a program that does not know
 * a *compatible* feature may use the store, one that does not know a *read-only* feature may only read it, one that does
 * not know an *incompatible* feature must leave it alone. Format: docs/formats/store.md.
 */
import { join } from "node:path";
import { AshlarError, messageOf } from "#errors";
import { writeFileAtomic } from "#sys/atomic.ts";
import type { StoreErrorCode } from "./errors.ts";
import { textIfThere } from "#sys/if-there.ts";

export interface StoreMeta {
  readonly version: number;
  readonly compatible: readonly string[];
  readonly readOnly: readonly string[];
  readonly incompatible: readonly string[];
}

const STORE_VERSION = 1;
/** The identity of objects. A store with another one is another store. */
const OBJECT_NAMES = "fsverity-sha256-4096";
const KNOWN = { readOnly: new Set<string>(), incompatible: new Set([OBJECT_NAMES]) };
const META_MAX = 65536;

/** Writes the description of a new store. */
export function writeMeta(root: string): void {
  const meta: StoreMeta = { version: STORE_VERSION, compatible: [], readOnly: [], incompatible: [OBJECT_NAMES] };
  writeFileAtomic(join(root, "meta.json"), `${JSON.stringify(meta, undefined, 2)}\n`);
}

/**
 * Reads and judges the description.
 * @returns whether objects may be added and removed, or undefined when there is none
 * @throws E_STORE_META, E_STORE_INCOMPATIBLE
 */
export function readMeta(root: string): { readonly writable: boolean } | undefined {
  const path = join(root, "meta.json");
  const text = textIfThere(path);
  if (text === undefined) return undefined;
  const meta = parse(text, path);
  const unknown = meta.incompatible.filter((feature) => !KNOWN.incompatible.has(feature));
  if (meta.version !== STORE_VERSION || unknown.length > 0 || !meta.incompatible.includes(OBJECT_NAMES))
    throw new AshlarError<StoreErrorCode>(
      "E_STORE_INCOMPATIBLE",
      `${path}: this Ashlar cannot read a store of version ${meta.version}${unknown.length > 0 ? ` with ${unknown.join(", ")}` : ""}`,
      { hint: "use the Ashlar that made the store, or a newer one", details: { path, version: meta.version, unknown } },
    );
  return { writable: meta.readOnly.every((feature) => KNOWN.readOnly.has(feature)) };
}

function parse(text: string, path: string): StoreMeta {
  const invalid = (why: string, cause?: unknown): AshlarError<StoreErrorCode> =>
    new AshlarError("E_STORE_META", `${path} does not describe a store: ${why}`, {
      cause,
      hint: `move ${path} and its folder away; the next build makes a new store`,
      details: { path },
    });
  if (text.length > META_MAX) throw invalid(`it has more than ${META_MAX} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(messageOf(cause), cause);
  }
  if (typeof value !== "object" || value === null) throw invalid("it is no JSON object");
  const { version, compatible, readOnly, incompatible } = value as Record<string, unknown>;
  if (typeof version !== "number") throw invalid("`version` is no number");
  const lists = { compatible, readOnly, incompatible };
  for (const [name, list] of Object.entries(lists))
    if (!Array.isArray(list) || list.some((feature) => typeof feature !== "string")) throw invalid(`\`${name}\` is no list of names`);
  return { version, ...(lists as Omit<StoreMeta, "version">) };
}
