/** The printed table: what each of them sends, and how long and with how much memory it makes and takes it. */
import { formatBytes } from "#report/format.ts";
import type { Run } from "../measure.ts";

export interface Measured {
  readonly name: string;
  /** Bytes that travel. */
  readonly wire: number;
  readonly make: Run;
  readonly apply: Run;
}

/** A number that is promised, and whether it is reached. */
export interface Goal {
  readonly what: string;
  readonly is: number;
  readonly most: number;
  readonly show: (value: number) => string;
}

const COLUMNS = ["", "wire", "ours ÷ it", "make", "memory", "apply", "memory", "written"];

/** @param ours what ratios are of */
export function tableOf(rows: readonly Measured[], ours: Measured): string[] {
  const cells = rows.map((row) => [
    row.name,
    formatBytes(row.wire),
    row === ours ? "" : (ours.wire / row.wire).toFixed(3),
    seconds(row.make),
    memory(row.make),
    seconds(row.apply),
    memory(row.apply),
    formatBytes(row.apply.written),
  ]);
  const all = [COLUMNS, ...cells];
  const widths = COLUMNS.map((_, column) => Math.max(...all.map((line) => line[column]!.length)));
  return all.map((line) =>
    line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join("  "),
  );
}

const seconds = ({ wall }: Run): string => `${(wall / 1000).toFixed(1)} s`;
const memory = ({ rss }: Run): string => `${(rss / 1024).toFixed(0)} MiB`;

export function goalLine({ what, is, most, show }: Goal): string {
  return `${is <= most ? "hit " : "MISS"}  ${what}: ${show(is)}, goal ≤ ${show(most)}`;
}

export const ratio = (value: number): string => value.toFixed(3);
export const bytes = (value: number): string => formatBytes(value);
export const mebibytes = (value: number): string => `${value.toFixed(0)} MiB`;
export const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;
