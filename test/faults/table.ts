/** The table of faults: what was tried, what survived, and where the rest is shown. */
import { join } from "node:path";
import { GPT_HEAD, readGpt } from "#formats/gpt.ts";
import { closeSync, openSync, readSync } from "node:fs";
import { writeAgentProgram } from "./agent-program.ts";
import { clockRows } from "./clock-rows.ts";
import { damageRows } from "./damage-rows.ts";
import { diskRows } from "./disk-rows.ts";
import { espCuts } from "./esp-cuts.ts";
import { openLivedLabs } from "./lived-lab.ts";
import { powerCuts } from "./power-cut-states.ts";
import type { PowerCut } from "./power-cut-states.ts";
import { judgePowerCuts } from "./power-cuts.ts";
import type { Judged } from "./power-cuts.ts";
import type { Recording } from "./recording.ts";
import type { Row } from "./row.ts";
import { sweepSyscalls } from "./syscall-sweep.ts";
import { readWriteLog } from "./write-log.ts";

/** Which rows of the fault matrix the phases of the recording are. */
const PHASE_IDS: Readonly<Record<string, string>> = {
  "first start": "F73",
  "a file is saved": "F35",
  upgrade: "F08 F14",
  "restart, trial, blessing": "F62",
  "second upgrade": "F08 F14",
  "second restart, trial, blessing": "F62",
  rollback: "F72",
  "forward again": "F72",
  collect: "F41",
  shutdown: "F26",
};
const COMMAND_IDS: Readonly<Record<string, string>> = { upgrade: "F13 F15 F22", activate: "F13", rollback: "F72", collect: "F40" };

/** Shown on a booted machine elsewhere. */
export const REFERENCES: readonly Row[] = [
  ["F60", "a kernel that panics, a broken initrd", "test/nightly/heal.test.ts"],
  ["F61", "a unit that hangs", "test/nightly/heal.test.ts"],
  ["F67", "a unit that fails, a service that answers 500", "test/nightly/heal.test.ts"],
  ["F03 F04", "altered, missing and truncated releases", "test/vm/life.test.ts, src/agent/agent.test.ts"],
  ["F20 F22 F23", "file systems too small, without inodes, filling up", "test/root/full-disk.test.ts"],
  ["F07", "an upgrade killed at random moments", "test/root/upgrade-killed.test.ts"],
].map(([id = "", fault = "", shownIn = ""]) => ({ id, fault, tried: 0, survived: 0, problems: [], shownIn }));

export interface Progress {
  (what: string): void;
}

/** @param request.count of random states, besides all orders of the ESP's writes */
export async function powerCutRows(
  recording: Recording,
  request: { readonly count: number; readonly seed: number },
  progress: Progress,
): Promise<Row[]> {
  const entries = readWriteLog(recording.log);
  const cuts: PowerCut[] = [...powerCuts(entries, recording.phases, request), ...espCuts(entries, recording.phases, espOf(recording))];
  cuts.sort((a, b) => a.durable - b.durable);
  const byPhase = new Map<string, Judged[]>(recording.phases.map(({ name }) => [name, []]));
  let done = 0;
  for await (const judged of judgePowerCuts(recording, entries, cuts)) {
    byPhase.get(judged.cut.phase.name)?.push(judged);
    if (++done % 100 === 0) progress(`${done} of ${cuts.length} power cuts`);
  }
  return [...byPhase].map(([phase, judged]) => ({
    id: PHASE_IDS[phase] ?? "",
    fault: `power cut: ${phase}`,
    tried: judged.length,
    survived: judged.filter(({ problems }) => problems.length === 0).length,
    problems: judged.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`)),
  }));
}

/** @param request as of {@link sweepSyscalls} */
export async function syscallRows(request: { readonly share: number; readonly offset: number }, progress: Progress): Promise<Row[]> {
  const rows = new Map<string, { id: string; fault: string; tried: number; survived: number; problems: string[] }>();
  for await (const { command, call, fault, hit, problems } of sweepSyscalls(request)) {
    const what = fault === "SIGKILL" ? "killed before a system call" : `a system call fails with ${fault}`;
    const name = `${command}: ${what}`;
    const row = rows.get(name) ?? { id: COMMAND_IDS[command] ?? "", fault: name, tried: 0, survived: 0, problems: [] };
    if (!rows.has(name)) progress(name);
    rows.set(name, row);
    if (!hit) continue;
    row.tried++;
    if (problems.length === 0) row.survived++;
    row.problems.push(...problems.map((problem) => `${call.syscall} ${call.number}: ${problem}`));
  }
  return [...rows.values()];
}

/** What is damaged, full, read-only, or has a wrong clock. Needs root. */
export async function otherRows(): Promise<Row[]> {
  const labs = await openLivedLabs();
  try {
    const program = await writeAgentProgram(join(labs.home, "program"));
    return [...(await damageRows(labs.open)), ...(await diskRows(labs.open)), ...(await clockRows(labs.open, program))];
  } finally {
    await labs.close();
  }
}

function espOf({ base }: Recording) {
  const fd = openSync(base, "r");
  try {
    const head = Buffer.alloc(GPT_HEAD);
    readSync(fd, head, 0, GPT_HEAD, 0);
    const esp = readGpt(head).partitions.find(({ name }) => name === "esp");
    if (esp === undefined) throw new Error(`${base} has no ESP`);
    return esp;
  } finally {
    closeSync(fd);
  }
}
