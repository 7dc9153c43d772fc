/**
 * Large files of the build host (Node itself) as contents of a tree. Hashing 116 MB takes longer than everything else that
 * a changed config costs, so the store remembers which object a file was, as long as nothing about the file has changed.
 */
import { hash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { ObjectId } from "#store/object.ts";
import { getRef, putRef } from "#store/refs.ts";
import type { Store } from "#store/store.ts";
import { contentFor } from "../draft.ts";
import type { FileContent } from "../tree.ts";

export function hostFile(store: Store, path: string): FileContent {
  const { size, mtimeNs, ctimeNs, ino } = statSync(path, { bigint: true });
  const key = hash("sha256", JSON.stringify([path, size, mtimeNs, ctimeNs, ino].map(String)));
  const known = getRef(store, "host-files", key) as { readonly object: ObjectId } | undefined;
  if (known !== undefined && store.has(known.object)) return { object: known.object, size: Number(size) };
  const content = contentFor(store, readFileSync(path));
  if ("object" in content) putRef(store, "host-files", key, { object: content.object });
  return content;
}
