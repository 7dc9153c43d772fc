/** What changed between two systems, option by option. */
import type { System } from "./system.ts";
import { canonicalJson } from "#formats/canonical-json.ts";
import { formatPath } from "./option-path.ts";
import type { OptionPath } from "./option-path.ts";

export interface OptionChange {
  /** `users.ada.shell` */
  readonly path: string;
  /** Absent: the option is new. */
  readonly from?: unknown;
  /** Absent: the option is gone. */
  readonly to?: unknown;
}

/**
 * The options that differ, sorted by path. Lists whose order has no meaning to a reader are compared as a whole
 * list of items: an item that only one side has is a change of `path[]`.
 */
export function systemDifference(a: System, b: System): OptionChange[] {
  const changes: OptionChange[] = [];
  compare(a, b, [], changes);
  return changes.sort((left, right) => (left.path < right.path ? -1 : left.path > right.path ? 1 : 0));
}

function compare(from: unknown, to: unknown, path: OptionPath, changes: OptionChange[]): void {
  if (isRecord(from) && isRecord(to)) {
    for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) compare(from[key], to[key], [...path, key], changes);
  } else if (Array.isArray(from) && Array.isArray(to)) {
    compareLists(from, to, path, changes);
  } else if (textOf(from) !== textOf(to)) {
    changes.push({ path: formatPath(path), ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) });
  }
}

function compareLists(from: readonly unknown[], to: readonly unknown[], path: OptionPath, changes: OptionChange[]): void {
  const before = new Set(from.map(textOf));
  const after = new Set(to.map(textOf));
  const lost = from.filter((item) => !after.has(textOf(item)));
  const found = to.filter((item) => !before.has(textOf(item)));
  for (const item of lost) changes.push({ path: `${formatPath(path)}[]`, from: item });
  for (const item of found) changes.push({ path: `${formatPath(path)}[]`, to: item });
  if (lost.length === 0 && found.length === 0 && textOf(from) !== textOf(to)) changes.push({ path: formatPath(path), from, to });
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : canonicalJson(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
