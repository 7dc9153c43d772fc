import type { LockDifference, PackageChange } from "#lock/difference.ts";
import { formatBytes, formatCount } from "#report/format.ts";
import { table } from "#report/table.ts";

const KINDS = [
  ["upgraded", "newer"],
  ["downgraded", "older"],
  ["rebuilt", "other content"],
  ["added", "added"],
  ["removed", "removed"],
] as const satisfies readonly (readonly [keyof LockDifference, string])[];

/** Changed packages in a table, and a line that counts them; "no package changed" when there are none. */
export function formatPackageChanges(changes: LockDifference, columns: number): string {
  const rows = KINDS.flatMap(([kind, label]) => changes[kind].map((change) => row(change, label)));
  if (rows.length === 0) return "no package changed";
  const counts = KINDS.filter(([kind]) => changes[kind].length > 0).map(([kind, label]) => `${changes[kind].length} ${label}`);
  const titles = [{ title: "Package", shrink: true }, { title: "Change" }, { title: "From", shrink: true }, { title: "To", shrink: true }];
  const text = table(rows, [...titles, { title: "Size", align: "right" }], columns);
  return `${text}\n${formatCount(rows.length, "package")}: ${counts.join(", ")}`;
}

function row({ name, from, to, size }: PackageChange, label: string): string[] {
  return [name, label, from ?? "", to ?? "", size === 0 ? "" : `${size > 0 ? "+" : ""}${formatBytes(size)}`];
}
