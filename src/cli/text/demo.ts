import type { DemoSummary } from "../../pipeline/demo.ts";
import { formatBytes } from "#report/format.ts";
import { table } from "#report/table.ts";

const STATUS_TITLES = ["After the first boot", "After the upgrade", "After the rollback"];

/** What the demo did, as a summary that can be read on its own. */
export function formatDemo(summary: DemoSummary, columns: number): string {
  const statuses = summary.statuses.map((status, index) => `${STATUS_TITLES[index] ?? "Later"}, ashlar status said:\n${indent(status)}`);
  const times = table(
    Object.entries(summary.seconds).map(([name, seconds]) => [name, seconds.toFixed(1)]),
    [
      { title: "Part", shrink: true },
      { title: "Seconds", align: "right" },
    ],
    columns,
  );
  const { first, second, afterRollback } = summary.digests;
  const same = first === afterRollback ? "the same image as at first" : "NOT the image of the beginning";
  return [
    ...statuses,
    times,
    `The upgrade fetched ${formatBytes(summary.fetched)}: image ${first.slice(0, 16)} → ${second.slice(0, 16)}.`,
    `After the rollback the machine runs ${afterRollback.slice(0, 16)}, ${same}.`,
    `The config, the keys and the releases are in ${summary.folder}.`,
  ].join("\n\n");
}

function indent(text: string): string {
  return text.replace(/^/gm, "  ");
}
