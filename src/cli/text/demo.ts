import type { DemoSummary } from "../../pipeline/demo.ts";
import { formatBytes } from "#report/format.ts";
import { table } from "#report/table.ts";

const STATUS_TITLES = ["After the first boot", "After the upgrade", "After the rollback"];

/** What the demo did, as a summary that can be read on its own. */
export function formatDemo(summary: DemoSummary, columns: number): string {
  const statuses = summary.statuses.map((status, index) => `${STATUS_TITLES[index] ?? "Later"}, ashlar status said:\n${indent(status)}`);
  const total = Object.values(summary.seconds).reduce((sum, seconds) => sum + seconds, 0);
  const times = table(
    [...Object.entries(summary.seconds), ["sum", total] as const].map(([name, seconds]) => [name, seconds.toFixed(1)]),
    [
      { title: "Part", shrink: true },
      { title: "Seconds", align: "right" },
    ],
    columns,
  );
  return [...statuses, times, whatHappened(summary), whatNext(summary.folder)].join("\n\n");
}

function whatHappened({ digests: { first, second, afterRollback }, fetched }: DemoSummary): string {
  const same = first === afterRollback ? "the same as at first" : "NOT the one of the beginning";
  return `What happened:
  A config became image ${short(first)}, and the image a machine that boots from a read-only root.
  One more package and one changed file became image ${short(second)}; the running machine fetched what it lacked of
  it over HTTP (${formatBytes(fetched)} with lists and signatures), checked who signed it, and started it at the next boot.
  A rollback and a reboot later it runs image ${short(afterRollback)}, ${same}.`;
}

function whatNext(folder: string): string {
  return `What next:
  ./ashlar init web                   a config of your own
  ./ashlar images                     what has been built here
  ./ashlar vm --ssh-port 2222 ${folder}/web/machine.ts
  ssh -i ${folder}/ssh/id -p 2222 demo@localhost
The demo's config, keys and releases are in ${folder}.`;
}

const short = (digest: string): string => digest.slice(0, 12);

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}
