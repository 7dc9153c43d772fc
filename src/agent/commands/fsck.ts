import { objectsOfImage } from "#formats/erofs/reader.ts";
import { formatBytes, formatCount } from "#report/format.ts";
import { fsck as checkStore } from "#store/fsck.ts";
import type { StoreProblem } from "#store/fsck.ts";
import { parseObjectId } from "#store/object.ts";
import { withStore } from "../context.ts";
import type { AgentContext, AgentResult } from "../context.ts";

const SHOWN_MAX = 50;

/** `ashlar fsck`: measures every object of the store again. */
export async function fsck(context: AgentContext, options: { readonly repair?: boolean }): Promise<AgentResult> {
  return withStore(context, async (store) => {
    const result = await context.report.step("check the store", (step) =>
      checkStore(store, {
        repair: options.repair ?? false,
        references: (image) => objectsOfImage(store.read(image)).flatMap(({ object }) => parseObjectId(object) ?? []),
        report: step,
      }),
    );
    const left = result.problems.length - result.repaired;
    const lines = [
      `${formatCount(result.objects, "object")} and ${formatCount(result.images, "image")}, ${formatBytes(result.bytes)}, were measured.`,
      ...result.problems.slice(0, SHOWN_MAX).map((problem) => `problem: ${problem.kind}: ${problem.path}${reasonOf(problem)}`),
      ...(result.problems.length > SHOWN_MAX ? [`… and ${result.problems.length - SHOWN_MAX} more (--json lists all)`] : []),
      left === 0 ? "The store is sound." : `${formatCount(left, "problem")} left; \`ashlar upgrade\` brings missing objects again.`,
    ];
    return { json: { ...result }, text: lines.join("\n"), exitCode: left === 0 ? 0 : 1 };
  });
}

function reasonOf(problem: StoreProblem): string {
  return "reason" in problem ? `: ${problem.reason}` : "";
}
