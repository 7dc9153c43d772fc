/** `system.lock.json`: reading, writing, and whether it fits a system. Format: docs/formats/lock.md. */
import { readFileSync } from "node:fs";
import type { System } from "#config/system.ts";
import { hasErrno, messageOf } from "#errors";
import { canonicalJson } from "#formats/canonical-json.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import { lockError } from "./errors.ts";
import type { Lock, LockedPackage } from "./lock.ts";
import { NO_LAYERS, layerRequestOf, requestOf } from "./request.ts";
import { lockSchema } from "./schema.ts";

/** @throws E_LOCK_SYNTAX (not there, not JSON, wrong field with its path), E_LOCK_VERSION */
export function readLock(path: string): Lock {
  const value = parseJson(path);
  const version = typeof value === "object" && value !== null && "version" in value ? value.version : undefined;
  if (typeof version === "number" && version !== 1)
    throw lockError("E_LOCK_VERSION", `${path} has version ${version}; this Ashlar reads version 1`, { hint: "update Ashlar" });
  const result = lockSchema.safeParse(value);
  if (result.success) return result.data;
  const lines = result.error.issues.slice(0, 10).map((issue) => `  ${issue.path.join(".") || "the file"}: ${issue.message}`);
  throw lockError("E_LOCK_SYNTAX", `${path} is not a lock:\n${lines.join("\n")}`, {
    hint: "take the file from version control again, or remove it and run `ashlar lock`",
  });
}

/** Writes the lock durably: keys and lists in a fixed order, so that a version control system shows what changed. */
export function writeLock(path: string, lock: Lock): void {
  writeFileAtomic(path, lockText(lock));
}

/** The text of a lock's file; one package a line. */
export function lockText(lock: Lock): string {
  const sorted = sortKeys({
    ...lock,
    packages: lock.packages.toSorted(byName),
    ...(lock.layers === undefined ? {} : { layers: { ...lock.layers, packages: lock.layers.packages.toSorted(byName) } }),
    tools: { ...lock.tools, packages: lock.tools.packages.toSorted(byName) },
  });
  return `${JSON.stringify(sorted, undefined, 2)}\n`;
}

export type LockFit = { readonly fits: true } | { readonly fits: false; readonly why: readonly string[] };

/** Whether `system` asks for exactly what the lock answers. */
export function lockFits(lock: Lock, system: System): LockFit {
  const request = requestOf(system);
  const why: string[] = [];
  for (const field of ["distribution", "suite", "architecture", "recommends"] as const)
    if (lock.request[field] !== request[field])
      why.push(`${field} is ${String(request[field])} in the config, ${String(lock.request[field])} in the lock`);
  for (const field of ["components", "packages"] as const) {
    const [wanted, locked] = [new Set(request[field]), new Set(lock.request[field])];
    const extra = [...wanted].filter((item) => !locked.has(item));
    const missing = [...locked].filter((item) => !wanted.has(item));
    if (extra.length > 0) why.push(`${field}: the config adds ${extra.join(", ")}`);
    if (missing.length > 0) why.push(`${field}: the config no longer has ${missing.join(", ")}`);
  }
  if (canonicalJson(lock.layers?.request ?? NO_LAYERS) !== canonicalJson(layerRequestOf(system)))
    why.push("layers: the config has other packages or package files than the lock");
  return why.length === 0 ? { fits: true } : { fits: false, why };
}

function parseJson(path: string): unknown {
  let text;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error;
    throw lockError("E_LOCK_SYNTAX", `there is no ${path}`, { hint: "ashlar lock", cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw lockError("E_LOCK_SYNTAX", `${path} is not JSON: ${messageOf(error)}`, {
      hint: "resolve the merge conflict in it, or remove it and run `ashlar lock`",
      cause: error,
    });
  }
}

type Named = Pick<LockedPackage, "name" | "architecture">;

/** As the resolver orders them: a lock that was read is the one that was written. */
function byName(a: Named, b: Named): number {
  const [left, right] = a.name === b.name ? [a.architecture, b.architecture] : [a.name, b.name];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The order of fields stays as the types have it, records of names are sorted by bytes. */
function sortKeys(lock: Lock): Lock {
  const sorted = (record: Readonly<Record<string, number>>): Record<string, number> =>
    Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { ...lock, ids: { users: sorted(lock.ids.users), groups: sorted(lock.ids.groups) } };
}
