/** Thousands of changed files as the few differences that people think in: packages, and single files. */
import type { Packages } from "./packages.ts";
import { SILENT } from "./rules.ts";
import type { Change } from "./tree.ts";

export interface Group {
  readonly what: string;
  readonly paths: readonly string[];
}

/** @param packages of both trees */
export function groupChanges(changes: readonly Change[], packages: { readonly from: Packages; readonly to: Packages }): Group[] {
  const groups = Map.groupBy(changes, ({ path, change }) => titleOf(path, change, packages));
  return [...groups].map(([what, members]) => ({ what, paths: members.map(({ path }) => path) }));
}

function titleOf(path: string, change: Change["change"], { from, to }: { readonly from: Packages; readonly to: Packages }): string {
  const name = to.ownerOf(path) ?? from.ownerOf(path);
  const [before, after] = name === undefined ? [] : [from.versions.get(name), to.versions.get(name)];
  if (name !== undefined && before !== after) {
    if (before === undefined) return `${name} ${after} (new)`;
    return after === undefined ? `${name} ${before} (removed)` : `${name} ${before} → ${after}`;
  }
  const silent = SILENT.find(({ pattern }) => pattern.test(path));
  if (silent !== undefined) return silent.why;
  return change === "changed" ? path : `${path} (${change === "added" ? "new" : "removed"})`;
}
