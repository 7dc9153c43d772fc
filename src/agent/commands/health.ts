import { systemOf } from "../context.ts";
import type { AgentContext, AgentResult } from "../context.ts";
import { probe } from "../health/probe.ts";
import type { ProbeOptions, ProbeResult } from "../health/probe.ts";

/** `ashlar health` */
export async function health(context: AgentContext, options: ProbeOptions = {}): Promise<AgentResult> {
  const probes = await probe(systemOf(context.machine).health, options);
  const failed = probes.filter(({ passed }) => !passed);
  const lines =
    failed.length === 0
      ? [probes.length === 0 ? "No health probes are declared." : `All ${probes.length} health probes passed.`]
      : failed.flatMap(describe);
  return { json: { passed: failed.length === 0, probes }, text: lines.join("\n"), exitCode: failed.length === 0 ? 0 : 1 };
}

function describe({ name, reason, output }: ProbeResult): string[] {
  return [
    `failed: ${name}: ${reason ?? ""}`,
    ...(output === undefined || output === "" ? [] : output.split("\n").map((line) => `  ${line}`)),
  ];
}
