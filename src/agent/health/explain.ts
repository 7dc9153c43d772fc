/** Why a generation is bad, in words, with what there is of its log. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Generation } from "#deployment/generations.ts";
import type { Finding } from "#deployment/trial-judge.ts";
import { hasErrno } from "#errors";
import { formatCount } from "#report/format.ts";
import type { AgentContext } from "../context.ts";
import { logOf, logOfLastStart, panicOf, troubleOf } from "./log.ts";
import type { ProbeResult } from "./result.ts";

/** Of failed probes of the start that runs. */
export async function explainProbes(failed: readonly ProbeResult[], now: number): Promise<Finding> {
  const probes = failed.map(({ kind, name, reason, duration, output }) => ({
    kind,
    name,
    reason: reason ?? "it failed",
    duration,
    ...(output === undefined ? {} : { output }),
  }));
  const [first] = probes;
  const more = probes.length > 1 ? `, and ${formatCount(probes.length - 1, "other probe")} failed` : "";
  const units = [...probes.filter(({ kind }) => kind === "unit").map(({ name }) => name), ...(await troubleOf()).failed];
  return { reason: `${first?.name}: ${first?.reason}${more}`, probes, log: await logOf([...new Set(units)]), when: now };
}

/** Of a start that runs, but did not come to its probes, or not to their end. */
export async function explainStart(said: string | undefined, now: number): Promise<Finding> {
  const { failed, running } = await troubleOf();
  const found =
    running.length > 0
      ? `it did not come to the end of its start: systemd still waits for ${running.join(", ")}`
      : failed.length > 0
        ? `a part of its start failed: ${failed.join(", ")}`
        : "its start failed";
  return { reason: said ?? found, probes: [], log: await logOf([...running, ...failed]), when: now };
}

/** Of starts that are over and left no verdict. */
export async function explainLost({ machine, now }: AgentContext, { number, entry, deployment }: Generation): Promise<Finding> {
  const done = entry?.tries?.done ?? 0;
  const tries = done === 1 ? "its only try" : `its ${done} tries`;
  const kept = failedStartOf(machine.sysroot, number);
  if (kept !== undefined) return { reason: `it used up ${tries} in the initrd`, probes: [], log: kept, when: now() };
  // The log is that of the computer this runs on.
  const log = machine.root === "/" ? await logOfLastStart(number) : undefined;
  if (log === undefined) {
    const kernel = deployment.image.kernel?.version ?? "its kernel";
    const reason = `it used up ${tries} before it could write to the log: ${kernel} or its initrd does not start`;
    return { reason, probes: [], log: panicOf(machine.root), when: now() };
  }
  return { reason: `it used up ${tries} before its probes ended: it crashed, hung or lost power`, probes: [], log, when: now() };
}

/** What emergency.sh of the initrd wrote: the generation, then its log. */
function failedStartOf(sysroot: string, generation: number): string[] | undefined {
  try {
    const [head, ...log] = readFileSync(join(sysroot, "ashlar/failed-start.log"), "utf8").trimEnd().split("\n");
    return head === `generation ${generation}` ? log : undefined;
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}
