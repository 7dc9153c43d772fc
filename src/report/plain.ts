import type { Renderer, OutputStream } from "./output.ts";
import { createStepTree, describeEnd, describeProgress } from "./steps.ts";
import type { StepState } from "./steps.ts";
import { printable, printableLines } from "./text-width.ts";

/** Progress lines of one step come at least this far apart: logs stay short and still show life. */
const PROGRESS_EVERY_MS = 5000;

/** For logs and pipes: one line when a step starts, one when it ends, and progress every few seconds. */
export function plainRenderer(stream: OutputStream): Renderer {
  const tree = createStepTree();
  const saidAt = new Map<number, number>();
  const print = (step: StepState, mark: string, text: string): void => {
    const body = text === "" ? step.name : `${step.name}: ${text}`;
    stream.write(`${"  ".repeat(step.depth)}${mark} ${printable(body)}\n`);
  };
  return {
    emit(event) {
      if (event.type === "note") {
        stream.write(`${event.level === "warning" ? "warning: " : ""}${printableLines(event.text)}\n`);
        return;
      }
      const changed = tree.apply(event)?.step;
      if (changed === undefined) return;
      if (event.type === "start") {
        saidAt.set(changed.id, event.at);
        print(changed, "→", "");
      } else if (event.type === "progress") {
        if (event.at - (saidAt.get(changed.id) ?? event.at) < PROGRESS_EVERY_MS) return;
        saidAt.set(changed.id, event.at);
        print(changed, "·", describeProgress(changed, event.at));
      } else {
        saidAt.delete(changed.id);
        print(changed, event.outcome === "failed" ? "✗" : "✓", describeEnd(changed));
      }
    },
    close() {},
  };
}
