import { formatBytes } from "#report/format.ts";
import { table } from "#report/table.ts";

/** The part of a file change that is shown. */
export interface ShownFileChange {
  readonly path: string;
  readonly change: "added" | "removed" | "changed";
  readonly what: readonly string[];
  readonly sizes: readonly [number, number];
}

const MAX_SHOWN = 200;

/** Changed files, one per line; a long list ends with how many more there are (`--json` has them all). */
export function formatFileChanges(changes: readonly ShownFileChange[], columns: number): string {
  const rows = changes.slice(0, MAX_SHOWN).map(({ path, change, what, sizes: [before, after] }) => {
    const delta = after - before;
    const size = delta === 0 ? "" : `${delta > 0 ? "+" : ""}${formatBytes(delta)}`;
    return [path, change === "changed" ? what.join(", ") : change, size];
  });
  const shown = table(rows, [{ title: "Path", shrink: true }, { title: "Change" }, { title: "Size", align: "right" }], columns);
  const more = changes.length - MAX_SHOWN;
  return more > 0 ? `${shown}\n… and ${more} more; --json lists them all` : shown;
}
