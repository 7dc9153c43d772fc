import { formatBytes, formatCount } from "#report/format.ts";
import { pad, textWidth, truncate } from "#report/text-width.ts";
import type { ImageComparison } from "../../pipeline/compare.ts";
import { formatFileChanges } from "./file-changes.ts";
import { formatPackageChanges } from "./package-changes.ts";

/** What `ashlar diff` prints: packages, options, files, and the sum of sizes. */
export function formatComparison(comparison: ImageComparison, columns: number): string {
  const { packages, config, files, sizes } = comparison;
  const [before, after] = sizes;
  const delta = after - before;
  return [
    formatPackageChanges(packages, columns),
    config.length === 0 ? "no option changed" : formatOptions(config, columns),
    files.length === 0 ? "no file changed" : `${formatFileChanges(files, columns)}\n${formatCount(files.length, "path")}`,
    `contents: ${formatBytes(before)} → ${formatBytes(after)} (${delta < 0 ? "" : "+"}${formatBytes(delta)})`,
  ].join("\n\n");
}

function formatOptions(changes: ImageComparison["config"], columns: number): string {
  const width = Math.min(32, Math.max(...changes.map((change) => textWidth(change.path))));
  const lines = changes.map((change) => {
    const value = `${shown(change.from)} → ${shown(change.to)}`;
    return `${pad(truncate(change.path, width), width)}  ${truncate(value, columns - width - 2)}`;
  });
  return `Option\n${lines.join("\n")}\n${formatCount(changes.length, "option")}`;
}

function shown(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value);
}
