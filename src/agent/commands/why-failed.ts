import { readTrials } from "#deployment/trials.ts";
import type { FailedProbe, Verdict } from "#deployment/trials.ts";
import { AshlarError, hasErrno } from "#errors";
import { formatDuration } from "#report/format.ts";
import type { AgentContext, AgentResult } from "../context.ts";

export type WhyFailedErrorCode = "E_VERDICT_UNKNOWN" | "E_VERDICT_ROOT";

/** `ashlar why-failed [N]`: what is known of generations that failed their trial; the last one when none is named. */
export async function whyFailed(context: AgentContext, generation?: number): Promise<AgentResult> {
  const { trials, problem } = read(context);
  const found = trials.denied.filter((verdict) => generation === undefined || verdict.generation === generation);
  if (generation !== undefined && found.length === 0)
    throw new AshlarError<WhyFailedErrorCode>("E_VERDICT_UNKNOWN", `nothing is known of a failed trial of generation ${generation}`, {
      hint: "`ashlar why-failed` shows the last one that failed, `ashlar generations` what there is",
      details: { generation },
    });
  const last = found.at(-1);
  const others = found.slice(0, -1).map((verdict) => `generation ${verdict.generation}: ${verdict.reason}`);
  const lines = [
    ...(problem === undefined ? [] : [`problem: ${problem}`]),
    ...(last === undefined ? ["No generation of this machine failed its trial."] : describe(last)),
    ...(others.length === 0 ? [] : ["", "Before it failed:", ...others.toReversed().map((line) => `  ${line}`)]),
  ];
  return { json: { verdicts: found, ...(problem === undefined ? {} : { problem }) }, text: lines.join("\n") };
}

function read({ machine }: AgentContext): ReturnType<typeof readTrials> {
  try {
    return readTrials(machine);
  } catch (cause) {
    if (!hasErrno(cause, "EACCES")) throw cause;
    throw new AshlarError<WhyFailedErrorCode>("E_VERDICT_ROOT", "verdicts hold lines of the machine's log, which only root may read", {
      cause,
      hint: "sudo ashlar why-failed",
    });
  }
}

function describe({ generation, image, sequence, reason, probes, log, when, alsoFailed }: Verdict): string[] {
  const release = sequence === undefined ? "" : `, release ${sequence}`;
  return [
    `Generation ${generation} (image ${image.slice(0, 12)}${release}) failed its trial at ${time(when)}.`,
    `reason: ${reason}`,
    ...(alsoFailed === undefined
      ? []
      : [
          `not the image: generation ${alsoFailed}, which was good, failed the same probe afterwards. Mend that, then ashlar upgrade --retry.`,
        ]),
    ...probes.flatMap(describeProbe),
    ...(log.length === 0 ? [] : ["log:", ...log.map((line) => `  ${line}`)]),
  ];
}

function describeProbe({ kind, name, reason, duration, output }: FailedProbe): string[] {
  const lines = output === undefined || output === "" ? [] : output.split("\n");
  return [`${kind} ${name}: ${reason} (after ${formatDuration(duration)})`, ...lines.map((line) => `  ${line}`)];
}

function time(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
