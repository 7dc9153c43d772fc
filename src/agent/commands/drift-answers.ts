/** What to do about drift on the machine itself: put it back, take it along, keep what would be lost, get it back. */
import { existsSync, readFileSync } from "node:fs";
import { judge, readAllowed } from "#drift/allow.ts";
import type { DriftErrorCode } from "#drift/errors.ts";
import { exportDrift } from "#drift/export.ts";
import type { DriftExport } from "#drift/export.ts";
import type { Finding } from "#drift/finding.ts";
import { inspectFiles } from "#drift/inspect/files.ts";
import { keepLost, listLost, recoverLost } from "#drift/lost.ts";
import type { LostSet } from "#drift/lost.ts";
import { driftPaths } from "#drift/paths.ts";
import { reloadHint, revert as revertFinding } from "#drift/revert.ts";
import { AshlarError } from "#errors";
import { toText } from "#formats/bytes.ts";
import { formatCount } from "#report/format.ts";
import { table } from "#report/table.ts";
import { exec } from "#sys/exec.ts";
import { systemOf } from "../context.ts";
import type { AgentContext, AgentResult } from "../context.ts";
import { named, today } from "./drift.ts";
import { findingsOf, gatherFacts } from "./drift-facts.ts";
import { withWritableEtc } from "./drift-etc.ts";

/**
 * `ashlar drift revert NAME…`: all that can be, and exit code 1 when something cannot.
 * @throws E_DRIFT_UNKNOWN
 */
export async function revert(context: AgentContext, names: readonly string[]): Promise<AgentResult> {
  const gathered = await gatherFacts(context);
  const chosen = named(findingsOf(gathered), names);
  const left: { name: string; why: string; hint: string | undefined }[] = [];
  const done = await withWritableEtc(gathered.facts.system, async () => {
    const reverted: Finding[] = [];
    for (const finding of chosen) {
      try {
        await revertFinding(context.machine.root, finding, gathered.facts);
        reverted.push(finding);
      } catch (error) {
        if (!(error instanceof AshlarError) || error.code !== "E_DRIFT_CANNOT_REVERT") throw error;
        left.push({ name: finding.name, why: error.message, hint: error.hint });
      }
    }
    return reverted;
  });
  const hint = reloadHint(done);
  if (hint !== undefined && existsSync("/run/systemd/private")) await exec("systemctl", ["daemon-reload"]);
  const lines = [
    ...done.map(({ name }) => `${name} is as the generation has it.`),
    ...(hint === undefined ? [] : [hint]),
    ...left.map(({ why, hint: next }) => `${why}${next === undefined ? "" : `; instead: ${next}`}`),
  ];
  const reverted = done.map(({ kind, name, change }) => ({ kind, name, change }));
  return { json: { reverted, left }, text: lines.join("\n"), exitCode: left.length > 0 ? 1 : 0 };
}

/**
 * `ashlar drift export NAME…`: what `ashlar adopt` on the build host reads; text and JSON are the same.
 * @throws E_DRIFT_UNKNOWN, E_DRIFT_SECRET
 */
export async function exportTo(context: AgentContext, names: readonly string[], secrets: boolean): Promise<AgentResult> {
  const { drift } = await exported(context, names, secrets);
  return { json: { ...drift }, text: JSON.stringify(drift, undefined, 2) };
}

async function exported(context: AgentContext, names: readonly string[], secrets: boolean): Promise<{ readonly drift: DriftExport }> {
  const gathered = await gatherFacts(context);
  const chosen = named(findingsOf(gathered), names);
  const readFile = (path: string): Buffer => readFileSync(path);
  return { drift: exportDrift(chosen, gathered.facts, { image: gathered.digest, secrets, readFile }) };
}

/**
 * `ashlar drift adopt NAME… --config FILE`, for a config that lies on the machine. A system.ts needs the build host's program.
 * @throws E_DRIFT_CANNOT_ADOPT, E_ADOPT_UNPROVEN, …
 */
export async function adopt(
  context: AgentContext,
  names: readonly string[],
  options: { readonly config: string; readonly secrets: boolean; readonly dryRun: boolean },
): Promise<AgentResult> {
  if (!/\.(ya?ml|json)$/.test(options.config))
    throw new AshlarError<DriftErrorCode>(
      "E_DRIFT_CANNOT_ADOPT",
      `${options.config} is no .yaml or .json: evaluating it needs a build host`,
      {
        hint: `there: ashlar adopt CONFIG --from ${process.env["SUDO_USER"] ?? "root"}@MACHINE ${names.join(" ")}`,
      },
    );
  const { drift } = await exported(context, names, options.secrets);
  const { adoptDrift } = await import("../../pipeline/adopt.ts");
  const result = await adoptDrift({ config: options.config, drift, dryRun: options.dryRun });
  const done = options.dryRun ? "would be written" : "written";
  const text = `${result.diff === "" ? "" : `${result.diff}\n`}Proven, and ${done}: ${result.written.join(", ")}. Build, publish and upgrade: then it is no drift.`;
  return { json: { ...result }, text };
}

/** `ashlar drift keep`: run by a unit when the machine stops. Says what will be gone, and keeps it for `recover`. */
export async function keep(context: AgentContext): Promise<AgentResult> {
  const { etcMode, etc } = systemOf(context.machine).state;
  if (etcMode === "persistent") return { json: { lost: [] }, text: "/etc persists: nothing is lost." };
  const { facts, paths, digest } = await gatherFacts(context, { onlyFiles: true });
  const kept = etc.map((path) => `/etc/${path}`);
  const findings = inspectFiles(facts.etc, { kind: "file", image: facts.image, kept });
  const differing = new Set(findings.map(({ name }) => name));
  const nodes = facts.etc.filter(({ path }) => differing.has(toText(path)));
  if (nodes.length === 0) return { json: { lost: [] }, text: "No change of /etc is lost." };
  const number = keepLost(paths.lost, nodes, { time: context.now(), image: digest });
  const open = judge(findings, readAllowed(paths.allowed), today(context)).open.map(({ name }) => name);
  const end = `kept as ${number}: ashlar drift recover ${number}`;
  // sd-daemon(3): in the journal the paths are a warning.
  const warning = process.env["JOURNAL_STREAM"] === undefined ? "" : "<4>";
  const lines = [
    `${formatCount(open.length, "change")} of /etc that nobody adopted will be gone (${end}):`,
    ...open.map((path) => `  ${path}`),
  ];
  const text = open.length === 0 ? `Only allowed changes of /etc are lost; ${end}` : lines.map((line) => warning + line).join("\n");
  return { json: { lost: open, number }, text };
}

/**
 * `ashlar drift recover [N] [PATH…]`: lists what was lost, what one set has, or puts back.
 * @throws E_DRIFT_LOST_UNKNOWN
 */
export async function recover(
  context: AgentContext,
  number: number | undefined,
  names: readonly string[],
  all: boolean,
): Promise<AgentResult> {
  const system = systemOf(context.machine);
  const folder = driftPaths(context.machine.root, system.state.etcMode).lost;
  const sets = listLost(folder);
  if (number === undefined) return { json: { sets }, text: listText(sets, context.columns) };
  if (names.length === 0 && !all) {
    const set = sets.find((each) => each.number === number);
    if (set === undefined)
      throw new AshlarError<DriftErrorCode>("E_DRIFT_LOST_UNKNOWN", `nothing was lost with the number ${number}`, {
        hint: "ashlar drift recover",
      });
    const lines = [...set.paths, ...set.removed.map((path) => `${path} (removed)`)];
    return { json: { ...set }, text: [...lines, `Put back: ashlar drift recover ${number} PATH…, or --all`].join("\n") };
  }
  const back = await withWritableEtc(system, async () => recoverLost(context.machine.root, folder, number, names));
  if (back.some((path) => path.startsWith("/etc/systemd/")) && existsSync("/run/systemd/private"))
    await exec("systemctl", ["daemon-reload"]);
  return { json: { number, recovered: back }, text: back.map((path) => `${path} is back, until the next start.`).join("\n") };
}

function listText(sets: readonly LostSet[], columns: number): string {
  if (sets.length === 0) return "Nothing was lost.";
  const rows = sets
    .toReversed()
    .map(({ number, time, paths, removed }) => [
      String(number),
      new Date(time * 1000).toISOString().slice(0, 16).replace("T", " "),
      [...paths, ...removed].join(" "),
    ]);
  return table(
    rows,
    [{ title: "NUMBER", align: "right" }, { title: "LOST AT (UTC)" }, { title: "PATHS", shrink: true }],
    Math.min(columns, 80),
  );
}
