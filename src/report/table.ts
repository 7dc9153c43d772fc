import { pad, printable, textWidth, truncate } from "./text-width.ts";

export interface Column {
  readonly title: string;
  /** Numbers go right. */
  readonly align?: "left" | "right";
  /** May be cut with `…` when the table is wider than the screen; without any such column the last one is cut. */
  readonly shrink?: boolean;
}

const GAP = "  ";
const MIN_SHRUNK = 8;

/**
 * Rows in aligned columns under their titles, within `width` cells where a column can shrink. Ends without a newline.
 * @param rows one list of cells per row, in the order of `columns`; missing cells are empty
 * @param width terminal cells; 80 unless said otherwise
 */
export function table(rows: readonly (readonly string[])[], columns: readonly Column[], width = 80): string {
  const cells = rows.map((row) => columns.map((_, index) => printable(row[index] ?? "")));
  const widths = fit(
    columns.map((column, index) => Math.max(textWidth(column.title), ...cells.map((row) => textWidth(row[index] ?? "")))),
    columns,
    width,
  );
  const line = (row: readonly string[]): string =>
    columns
      .map((column, index) => pad(truncate(row[index] ?? "", widths[index] ?? 0), widths[index] ?? 0, column.align))
      .join(GAP)
      .trimEnd();
  return [line(columns.map((column) => column.title)), ...cells.map(line)].join("\n");
}

/** Takes the excess from the widest shrinkable column first, cell by cell, down to a readable minimum. */
function fit(natural: readonly number[], columns: readonly Column[], width: number): number[] {
  const widths = [...natural];
  const shrinkable = columns.flatMap((column, index) => (column.shrink === true ? [index] : []));
  if (shrinkable.length === 0) shrinkable.push(columns.length - 1);
  let excess = widths.reduce((sum, cell) => sum + cell, GAP.length * (columns.length - 1)) - width;
  while (excess > 0) {
    const widest = shrinkable.reduce((best, index) => ((widths[index] ?? 0) > (widths[best] ?? 0) ? index : best));
    const current = widths[widest] ?? 0;
    if (current <= MIN_SHRUNK) break;
    widths[widest] = current - 1;
    excess--;
  }
  return widths;
}
