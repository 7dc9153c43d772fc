/**
 * References: small JSON values that keep content alive. Their kinds belong to the callers (a build's image, say); the
 * store only keeps them whole: written aside, synced, renamed, and after everything they refer to is durable.
 */
import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AshlarError, hasErrno, messageOf } from "#errors";
import { syncFolder, writeFileAtomic } from "#sys/atomic.ts";
import type { StoreErrorCode } from "./errors.ts";
import type { Store } from "./store.ts";

export interface Ref {
  readonly name: string;
  /** The caller parses it; the store does not know its type. */
  readonly value: unknown;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/;
const ASIDE = /\.[0-9a-f]{12}\.tmp$/;

/**
 * Writes or replaces a reference, durably; what was added to the store before is made durable first.
 * @param kind and `name`: letters, digits and `._@+-`, at most 128
 * @throws E_STORE_BAD_REF
 */
export function putRef(store: Store, kind: string, name: string, value: unknown): void {
  const path = refPath(store, kind, name);
  store.flush();
  writeFileAtomic(path, `${JSON.stringify(value, undefined, 2)}\n`);
}

/**
 * All references of a kind, sorted by name.
 * @throws E_STORE_BAD_REF when one cannot be read: an unreadable root must never look like none
 */
export function listRefs(store: Store, kind: string): Ref[] {
  return refNames(join(store.root, "refs", checkedName(kind))).map((name) => ({ name, value: readRef(refPath(store, kind, name)) }));
}

/** The value of one reference, or undefined when there is none. @throws E_STORE_BAD_REF when it cannot be read */
export function getRef(store: Store, kind: string, name: string): unknown {
  const path = refPath(store, kind, name);
  return existsSync(path) ? readRef(path) : undefined;
}

/** Removes a reference, durably. @returns false when there was none */
export function removeRef(store: Store, kind: string, name: string): boolean {
  const path = refPath(store, kind, name);
  try {
    rmSync(path);
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return false;
    throw error;
  }
  syncFolder(join(store.root, "refs", kind));
  return true;
}

function readRef(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as unknown;
  } catch (cause) {
    throw new AshlarError<StoreErrorCode>("E_STORE_BAD_REF", `cannot read the reference ${path}: ${messageOf(cause)}`, {
      cause,
      hint: `remove ${path} if what it refers to is no longer needed`,
      details: { path },
    });
  }
}

function refPath(store: Store, kind: string, name: string): string {
  return join(store.root, "refs", checkedName(kind), `${checkedName(name)}.json`);
}

function refNames(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !ASIDE.test(name))
      .map((name) => name.replace(/\.json$/, ""))
      .sort();
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return [];
    throw error;
  }
}

function checkedName(name: string): string {
  if (NAME.test(name)) return name;
  throw new AshlarError<StoreErrorCode>("E_STORE_BAD_REF", `${JSON.stringify(name)} cannot be the name of a reference`, {
    hint: "use letters, digits and ._@+-, starting with a letter or digit, at most 128",
    details: { name },
  });
}
