/**
 * `npm run test:faults`: every fault that is tried on a machine, and what survived.
 *
 *     npm run test:faults                                  all of it: 2000 power cuts, every system call
 *     npm run test:faults -- --states 200 --share 7        what `npm test` does
 *     npm run test:faults -- --only system-calls           some of power-cuts, system-calls, others
 *     npm run test:faults -- --seed 2                      other power cuts
 *     npm run test:faults -- --state upgrade:prefix:361      one power cut again
 *     npm run test:faults -- --recording DIR               of a machine that was recorded before
 *     npm run test:faults -- --json                        for scripts
 *     npm run test:faults -- --write                       into docs/reliability.md
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parseName } from "../test/faults/power-cut-states.ts";
import { judgePowerCuts } from "../test/faults/power-cuts.ts";
import { openRecording, readRecording } from "../test/faults/recording.ts";
import type { Recording } from "../test/faults/recording.ts";
import type { Row } from "../test/faults/row.ts";
import { REFERENCES, otherRows, powerCutRows, syscallRows } from "../test/faults/table.ts";
import { readWriteLog } from "../test/faults/write-log.ts";

const PAGE = join(import.meta.dirname, "../docs/reliability.md");
const MARKERS = ["<!-- faults: begin -->", "<!-- faults: end -->"] as const;
const PARTS = ["power-cuts", "system-calls", "others"] as const;
const SHOWN_PROBLEMS = 20;

const { values } = parseArgs({
  options: {
    states: { type: "string", default: "2000" },
    only: { type: "string", multiple: true },
    share: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    state: { type: "string" },
    recording: { type: "string" },
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
process.exitCode = await main();

async function main(): Promise<number> {
  if (values.state !== undefined) return repeat(await recorded(), values.state);
  const unknown = values.only?.find((part) => !PARTS.some((known) => known === part));
  if (unknown !== undefined) {
    process.stderr.write(`There is no part "${unknown}"; there are ${PARTS.join(", ")}.\n`);
    return 2;
  }
  const seed = Number(values.seed);
  const wanted = (part: (typeof PARTS)[number]): boolean => values.only?.includes(part) ?? true;
  const progress = (what: string): void => void process.stderr.write(`${what}\n`);
  const rows: Row[] = [
    ...(wanted("power-cuts") ? await powerCutRows(await recorded(), { count: Number(values.states), seed }, progress) : []),
    ...(wanted("system-calls") ? await syscallRows({ share: Number(values.share), offset: seed }, progress) : []),
    ...(wanted("others") ? [...(await otherRows()), ...REFERENCES] : []),
  ];
  const problems = rows.flatMap((row) => row.problems.map((problem) => `${row.fault}: ${problem}`));
  if (values.json) process.stdout.write(`${JSON.stringify({ seed, rows })}\n`);
  else process.stdout.write(`${tableOf(rows)}\n${problems.slice(0, SHOWN_PROBLEMS).join("\n")}\n`);
  if (values.write) writePage(tableOf(rows), seed);
  return problems.length === 0 ? 0 : 1;
}

function recorded(): Promise<Recording> {
  return values.recording === undefined ? openRecording() : Promise.resolve(readRecording(values.recording));
}

async function repeat(recording: Recording, name: string): Promise<number> {
  const entries = readWriteLog(recording.log);
  for await (const { cut, next, problems } of judgePowerCuts(recording, entries, [parseName(name, recording.phases)])) {
    process.stdout.write(
      `${name} (${cut.phase.name}): generation ${next} starts\n${problems.map((problem) => `problem: ${problem}\n`).join("")}`,
    );
    return problems.length === 0 ? 0 : 1;
  }
  return 1;
}

function tableOf(rows: readonly Row[]): string {
  const tried = rows.reduce((sum, row) => sum + row.tried, 0);
  const survived = rows.reduce((sum, row) => sum + row.survived, 0);
  const cells = rows.map(({ fault, shownIn, ...row }) => [
    fault,
    shownIn ?? `${row.tried}`,
    shownIn === undefined ? `${row.survived}` : "",
  ]);
  const lines = [["fault", "tried", "survived"], ["---", "--:", "--:"], ...cells, ["all", `${tried}`, `${survived}`]];
  return lines.map((line) => `| ${line.join(" | ")} |`).join("\n");
}

function writePage(table: string, seed: number): void {
  const page = readFileSync(PAGE, "utf8");
  const [begin, end] = MARKERS.map((marker) => page.indexOf(marker));
  if (begin === undefined || end === undefined || begin < 0 || end < begin) throw new Error(`${PAGE} has no place for the table`);
  const only = (values.only ?? []).map((part) => ` --only ${part}`).join("");
  const command = `npm run test:faults --${only} --states ${values.states} --share ${values.share} --seed ${seed}`;
  const text = `${MARKERS[0]}\n\n\`${command}\`\n\n${table}\n\n`;
  writeFileSync(PAGE, page.slice(0, begin) + text + page.slice(end));
}
