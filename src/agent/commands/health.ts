import type { Judgement } from "#deployment/trial-judge.ts";
import { systemOf } from "../context.ts";
import type { AgentContext, AgentResult } from "../context.ts";
import { explainProbes, explainStart } from "../health/explain.ts";
import { rememberLoader } from "../health/firmware.ts";
import { judgeBad, judgeGood } from "../health/judge.ts";
import { probe } from "../health/probe.ts";
import type { ProbeOptions, ProbeResult } from "../health/probe.ts";

export interface HealthOptions extends ProbeOptions {
  /** Let the result decide about the running generation. */
  readonly judge?: boolean;
}

/** `ashlar health [--judge]` */
export async function health(context: AgentContext, options: HealthOptions = {}): Promise<AgentResult> {
  const probes = await probe(systemOf(context.machine).health, options);
  const failed = probes.filter(({ passed }) => !passed);
  if (failed.length === 0) {
    if (options.judge === true) await judgeGood(context);
    const note = options.judge === true ? rememberLoader(context.machine.root) : undefined;
    const text = probes.length === 0 ? "No health probes are declared." : `All ${probes.length} health probes passed.`;
    return { json: { passed: true, probes }, text: note === undefined ? text : `${text}\n${note}` };
  }
  const judgement = options.judge === true ? await judgeBad(context, await explainProbes(failed, context.now())) : undefined;
  const text = [...failed.flatMap(describe), ...(judgement === undefined ? [] : meaning(judgement))].join("\n");
  return { json: { passed: false, probes, ...(judgement === undefined ? {} : { judgement }) }, text, exitCode: 1 };
}

/** `ashlar condemn [REASON]`, for a start that does not come to its probes; trial-failed.sh runs it. */
export async function condemn(context: AgentContext, reason: string | undefined): Promise<AgentResult> {
  const judgement = await judgeBad(context, await explainStart(reason, context.now()));
  return judgement === undefined
    ? { json: { judgement: null }, text: "The verdict could not be written down: the disk is full or read-only.", exitCode: 1 }
    : { json: { judgement }, text: meaning(judgement).join("\n"), exitCode: judgement.outcome === "bad" ? 0 : 1 };
}

function describe({ name, reason, output }: ProbeResult): string[] {
  return [
    `failed: ${name}: ${reason ?? ""}`,
    ...(output === undefined || output === "" ? [] : output.split("\n").map((line) => `  ${line}`)),
  ];
}

function meaning({ outcome, generation, next, sameAs }: Judgement): string[] {
  if (outcome === "none") return ["What runs is no generation of this machine, so nothing was marked."];
  if (outcome === "degraded")
    return [
      `Generation ${generation} was good before, so it stays.`,
      ...(sameAs === undefined
        ? []
        : [`Generation ${sameAs} failed the same probe: it is not the image. Look at /var, /etc and the network.`]),
    ];
  return [
    next === undefined
      ? `Generation ${generation} is bad, but there is no other one to start: it stays.`
      : `Generation ${generation} is bad; generation ${next} starts next.`,
  ];
}
