import { styleText } from "node:util";
import type { OutputStream, Renderer } from "./output.ts";
import { createStepTree, describeEnd, describeProgress } from "./steps.ts";
import type { StepState } from "./steps.ts";
import { formatDuration } from "./format.ts";
import { printable, printableLines, textWidth, truncate } from "./text-width.ts";

const REDRAW_EVERY_MS = 100;
const SHOW_ELAPSED_AFTER_MS = 1000;
const MIN_FACTS_WIDTH = 8;
const ERASE_BELOW = "\u001b[J";

/**
 * Draws the running steps in place. The tree of a root step stays live, with what is done inside it, until the root
 * ends; then it is printed once more and scrolls away like any other text.
 */
export function terminalRenderer(stream: OutputStream, options: { readonly colors: boolean }): Renderer {
  const tree = createStepTree();
  const roots: StepState[] = [];
  let drawnLines = 0;
  let drawnAt = Number.NEGATIVE_INFINITY;
  let ticker: NodeJS.Timeout | undefined;
  const screen = (): Screen => ({ columns: stream.columns ?? 80, rows: stream.rows ?? 24, colors: options.colors });

  const redraw = (now: number, finished: string = ""): void => {
    const lines = fitRows(
      roots.flatMap((root) => drawStep(root, now, screen())),
      screen().rows,
    );
    stream.write(`${rewind(drawnLines)}${finished}${lines.map((line) => `${line}\n`).join("")}`);
    drawnLines = lines.length;
    drawnAt = now;
  };
  // Elapsed time moves on even when a step is silent; the timer never keeps the process alive.
  const tick = (): void => {
    if (roots.length > 0) redraw(Date.now());
  };
  return {
    emit(event) {
      ticker ??= setInterval(tick, REDRAW_EVERY_MS).unref();
      if (event.type === "note") {
        redraw(event.at, `${drawNote(event.level, event.text, options.colors)}\n`);
        return;
      }
      const change = tree.apply(event);
      if (change === undefined) return;
      if (event.type === "start" && change.isRoot) roots.push(change.step);
      if (event.type === "end" && change.isRoot) {
        roots.splice(roots.indexOf(change.step), 1);
        const done = drawStep(change.step, event.at, screen());
        redraw(event.at, done.map((line) => `${line}\n`).join(""));
      } else if (event.at - drawnAt >= REDRAW_EVERY_MS) redraw(event.at);
    },
    close() {
      clearInterval(ticker);
      if (roots.length > 0) redraw(Date.now());
      drawnLines = 0;
      roots.length = 0;
    },
  };
}

interface Screen {
  readonly columns: number;
  readonly rows: number;
  readonly colors: boolean;
}

/** The lines of a step and of all inside it, as they stand at `now`. */
function drawStep(step: StepState, now: number, screen: Screen): string[] {
  const { mark, color } = markOf(step);
  const facts = step.end === undefined ? runningFacts(step, now) : describeEnd(step);
  const indent = "  ".repeat(step.depth);
  // One cell stays free: a line that fills the last column wraps on some terminals and breaks the count of lines.
  const room = screen.columns - indent.length - 3;
  const name = truncate(printable(step.name), room);
  const restRoom = room - textWidth(name);
  // Facts that would be cut to almost nothing are left out.
  const rest = facts === "" || restRoom < MIN_FACTS_WIDTH ? "" : truncate(`  ${printable(facts)}`, restRoom);
  const paint = (format: Parameters<typeof styleText>[0], text: string): string =>
    screen.colors && text !== "" ? styleText(format, text, { validateStream: false }) : text;
  const line = `${indent}${paint(color, mark)} ${step.end === undefined ? paint("bold", name) : name}${paint("dim", rest)}`;
  return [line, ...step.children.flatMap((child) => drawStep(child, now, screen))];
}

function runningFacts(step: StepState, now: number): string {
  const progress = describeProgress(step, now);
  if (progress !== "") return progress;
  const elapsed = now - step.startedAt;
  return elapsed >= SHOW_ELAPSED_AFTER_MS ? formatDuration(elapsed) : "";
}

function markOf(step: StepState): { mark: string; color: "green" | "red" | "cyan" | "yellow" } {
  if (step.end === undefined) return { mark: "→", color: "cyan" };
  if (step.end.outcome === "failed") return { mark: "✗", color: "red" };
  return step.end.outcome === "cached" ? { mark: "=", color: "yellow" } : { mark: "✓", color: "green" };
}

function drawNote(level: "info" | "warning", text: string, colors: boolean): string {
  if (level === "info") return printableLines(text);
  const label = colors ? styleText("yellow", "warning:", { validateStream: false }) : "warning:";
  return `${label} ${printableLines(text)}`;
}

/** A region taller than the screen cannot be rewound; the newest lines are the interesting ones. */
function fitRows(lines: readonly string[], rows: number): readonly string[] {
  const room = Math.max(1, rows - 1);
  return lines.length <= room ? lines : lines.slice(-room);
}

function rewind(lines: number): string {
  return lines === 0 ? "" : `\u001b[${lines}A\r${ERASE_BELOW}`;
}
