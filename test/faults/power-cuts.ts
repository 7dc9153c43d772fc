/** Judges every disk that a power cut could have left of a recording. */
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GPT_HEAD, readGpt } from "#formats/gpt.ts";
import type { GptPartition } from "#formats/gpt.ts";
import { silentReporter } from "#report/reporter.ts";
import { openToolchain } from "#toolchain/open.ts";
import { openWorkspace } from "#workspace";
import { openEspChecker } from "./check-esp.ts";
import { openRootChecker } from "./check-root.ts";
import { nameOf } from "./power-cut-states.ts";
import type { PowerCut } from "./power-cut-states.ts";
import type { Recording } from "./recording.ts";
import { openReplayedDisk } from "./replayed-disk.ts";
import { judge } from "./verdict.ts";
import type { EspVerdict, RootVerdict } from "./verdict.ts";
import type { LogEntry } from "./write-log.ts";

export interface Judged {
  readonly cut: PowerCut;
  readonly name: string;
  /** What starts. */
  readonly next: number | undefined;
  readonly problems: readonly string[];
}

/** @param cuts in the order of their durable parts; `entries` of the recording's log */
export async function* judgePowerCuts(
  recording: Recording,
  entries: readonly LogEntry[],
  cuts: readonly PowerCut[],
): AsyncGenerator<Judged> {
  const toolchain = await openToolchain("build", { workspace: openWorkspace(), report: silentReporter });
  const scratch = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "ashlar-power-cuts-"));
  const base = openSync(recording.base, "r");
  const log = openSync(recording.log, "r");
  try {
    const disk = openReplayedDisk({ base, log, entries, size: statSync(recording.base).size });
    const { partitions } = readGpt(disk.read(0, GPT_HEAD));
    const partition = (name: string): GptPartition => {
      const found = partitions.find((item) => item.name === name);
      if (found === undefined) throw new Error(`${recording.base} has no partition ${name}`);
      return found;
    };
    const [esp, root] = [partition("esp"), partition("ashlar")];
    const checkEsp = openEspChecker({ disk, partition: esp, toolchain, scratch });
    const rootChecker = await openRootChecker({ base: recording.base, disk, partition: root, toolchain, scratch });
    const kept = [...new Set(recording.phases.flatMap((phase) => Object.keys(phase.kept)))];
    const keyIn = { esp: keyMaker(entries, esp), root: keyMaker(entries, root) };
    const known = { esp: new Map<string, EspVerdict>(), root: new Map<string, RootVerdict>() };
    for (const cut of cuts) {
      disk.moveTo(cut);
      const key = { esp: keyIn.esp(cut), root: keyIn.root(cut) };
      const espVerdict = known.esp.get(key.esp) ?? (await checkEsp());
      known.esp.set(key.esp, espVerdict);
      const rootVerdict = known.root.get(key.root) ?? (await rootChecker.check(kept));
      known.root.set(key.root, rootVerdict);
      const { phase } = cut;
      const table = readTable(disk.read(0, GPT_HEAD));
      const problems = [...table, ...judge(espVerdict, rootVerdict, { generations: phase.allowed, kept: phase.kept })];
      yield { cut, name: nameOf(cut), next: espVerdict.next, problems };
    }
  } finally {
    closeSync(base);
    closeSync(log);
    rmSync(scratch, { recursive: true });
  }
}

/** Two states with the same key have the same bytes in a partition. */
function keyMaker(entries: readonly LogEntry[], { start, size }: GptPartition): (cut: PowerCut) => string {
  const inside = entries.map((entry) => entry.kind !== "flush" && entry.start < start + size && entry.start + entry.length > start);
  const before: number[] = [0];
  for (const [at, is] of inside.entries()) before.push((before[at] ?? 0) + (is ? 1 : 0));
  return ({ durable, extra, torn }) => {
    const own = extra.filter((index) => inside[index]);
    return `${before[durable]} ${own.join(",")} ${own.length > 0 && own.at(-1) === extra.at(-1) ? (torn ?? "") : ""}`;
  };
}

function readTable(head: Buffer): string[] {
  try {
    readGpt(head);
    return [];
  } catch (error) {
    return [String(error)];
  }
}
