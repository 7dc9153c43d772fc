import type { Plan, PlanLine } from "#apply/plan/plan.ts";
import { formatCount, formatDuration } from "#report/format.ts";
import { table } from "#report/table.ts";
import { planFor } from "../apply/planned.ts";
import type { AgentContext, AgentResult } from "../context.ts";

/** `ashlar plan [N]` */
export async function plan(context: AgentContext, generation: number | undefined): Promise<AgentResult> {
  const { plan: found } = await planFor(context, generation);
  return { json: jsonOf(found), text: textOf(found, context.columns) };
}

/** Without the thousands of paths of packages. */
export function jsonOf(found: Plan): Readonly<Record<string, unknown>> {
  return {
    ...found,
    lines: found.lines.map(({ paths, ...line }) => ({ ...line, paths: paths.slice(0, PATHS_SHOWN), pathCount: paths.length })),
  };
}

const PATHS_SHOWN = 20;

export function textOf(found: Plan, columns: number): string {
  const { from, to, lines, way, cost, refused, hidden, reversibility: back } = found;
  const between = `from ${numberOf(from.generation)} to ${numberOf(to.generation)}`;
  if (lines.length === 0) return `Nothing differs ${between}.`;
  const rows = [...lines]
    .sort((a, b) => rank(b) - rank(a))
    .map((line) => [line.what, costOf(line), line.downtime === undefined ? "" : formatDuration(line.downtime * 1000), line.why]);
  return [
    table(
      rows,
      [{ title: "DIFFERENCE", shrink: true }, { title: "COST", shrink: true }, { title: "LAST TIME" }, { title: "WHY", shrink: true }],
      Math.min(columns, 80),
    ),
    "",
    `${formatCount(lines.length, "difference")} ${between}: ${cost === "none" ? "nothing is interrupted" : `it takes ${cost}`}; \`ashlar apply\` does it ${way === "live" ? "live" : `by ${way}`}.`,
    ...Object.entries(refused).flatMap(([each, reasons]) => (reasons.length === 0 ? [] : [`Not ${each}: ${reasons.join("; ")}.`])),
    ...(hidden.length === 0 ? [] : [`Changed by hand, so that the new one is not seen before a restart: ${hidden.join(", ")}`]),
    ...(back === undefined ? [] : [`Going back: ${back}.`]),
  ].join("\n");
}

function costOf({ cost, units }: PlanLine): string {
  return units.length === 0 ? cost : units.join(", ");
}

function rank({ cost }: PlanLine): number {
  return ["none", "daemon-reload", "reload", "restart", "soft-reboot", "kexec", "reboot"].indexOf(cost);
}

function numberOf(generation: number | undefined): string {
  return generation === undefined ? "what runs" : `generation ${generation}`;
}
