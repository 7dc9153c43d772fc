import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonRenderer } from "./json.ts";
import type { OutputStream, Renderer } from "./output.ts";
import { plainRenderer } from "./plain.ts";
import { rendererFor } from "./renderer.ts";
import { createReporter } from "./reporter.ts";
import type { Step } from "./reporter.ts";
import { terminalRenderer } from "./terminal.ts";

test("the plain renderer prints one line per start and end, and progress every five seconds", async () => {
  const output = collect();
  await sampleRun(plainRenderer(output));
  assert.equal(
    output.text(),
    `→ Resolve packages
  → Download
  · Download: 6.00 MB of 12.0 MB, 1.00 MB/s, 6.0 s left
warning: the mirror is slow
  ✓ Download: 212 packages, 7.0 s
✓ Resolve packages: 7.0 s
→ Seal image
✓ Seal image: cached, 0.00 s
`,
  );
});

test("the terminal renderer leaves one line per step on the screen and the warnings above them", async () => {
  const output = collect();
  const renderer = terminalRenderer(output, { colors: false });
  await sampleRun(renderer);
  renderer.close();
  assert.deepEqual(screenOf(output.text()), [
    "warning: the mirror is slow",
    "✓ Resolve packages  7.0 s",
    "  ✓ Download  212 packages, 7.0 s",
    "= Seal image  cached, 0.00 s",
  ]);
});

test("the terminal renderer shows rate and remaining time while a step runs", async () => {
  const output = collect();
  const renderer = terminalRenderer(output, { colors: false });
  let during: string[] = [];
  await sampleRun(renderer, () => (during = screenOf(output.text())));
  renderer.close();
  assert.deepEqual(during, ["→ Resolve packages  6.0 s", "  → Download  6.00 MB of 12.0 MB, 1.00 MB/s, 6.0 s left"]);
});

test("the terminal renderer marks a failed step and cuts lines to the width of the screen", async () => {
  const output = collect(24);
  const renderer = terminalRenderer(output, { colors: false });
  const { report } = clockedReporter(renderer);
  await assert.rejects(
    report.step("A step with a very long name indeed", () => Promise.reject(new Error("no"))),
    /no/,
  );
  renderer.close();
  assert.deepEqual(screenOf(output.text()), ["✗ A step with a very l…"]);
});

test("control characters in names cannot reach the terminal", async () => {
  const output = collect();
  const renderer = plainRenderer(output);
  const { report } = clockedReporter(renderer);
  report.note("info", "evil\u001b[2Jname\nsecond line");
  await report.step("pkg\u001b[31m", async () => {});
  assert.ok(!output.text().includes("\u001b"));
  assert.equal(output.text().split("\n")[1], "second line");
});

test("JSON lines begin with the version of the protocol and carry every event", async () => {
  const output = collect();
  await sampleRun(jsonRenderer(output));
  const lines = output
    .text()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(lines[0], { type: "hello", version: 1 });
  assert.deepEqual(lines[1], { type: "start", step: 1, name: "Resolve packages", at: 0 });
  assert.deepEqual(
    lines.map((line) => line["type"]),
    ["hello", "start", "start", "progress", "progress", "note", "end", "end", "start", "end"],
  );
});

test("auto draws in place only on a terminal that can, and colours only without NO_COLOR", () => {
  const escapes = (isTTY: boolean, env: NodeJS.ProcessEnv): { moves: boolean; colors: boolean } => {
    const output = collect(80, isTTY);
    const renderer = rendererFor(output, "auto", env);
    renderer.emit({ type: "start", step: 1, parent: undefined, name: "x", at: 0 });
    renderer.emit({ type: "end", step: 1, outcome: "done", detail: undefined, at: 1 });
    renderer.close();
    return { moves: output.text().includes("\u001b[1A"), colors: output.text().includes("\u001b[32m") };
  };
  assert.deepEqual(escapes(true, { TERM: "xterm" }), { moves: true, colors: true });
  assert.deepEqual(escapes(true, { TERM: "xterm", NO_COLOR: "1" }), { moves: true, colors: false });
  assert.deepEqual(escapes(true, { TERM: "dumb" }), { moves: false, colors: false });
  assert.deepEqual(escapes(true, { TERM: "xterm", CI: "true" }), { moves: false, colors: false });
  assert.deepEqual(escapes(false, { TERM: "xterm" }), { moves: false, colors: false });
});

test("quiet prints nothing", async () => {
  const output = collect();
  await sampleRun(rendererFor(output, "quiet"));
  assert.equal(output.text(), "");
});

function collect(columns = 80, isTTY = true): OutputStream & { text(): string } {
  const written: string[] = [];
  return { write: (text) => written.push(text), isTTY, columns, rows: 24, text: () => written.join("") };
}

function clockedReporter(renderer: Renderer): { report: Pick<Step, "step" | "note">; wait: (milliseconds: number) => void } {
  let now = 0;
  return { report: createReporter(renderer.emit, () => now), wait: (milliseconds) => (now += milliseconds) };
}

async function sampleRun(renderer: Renderer, during: () => void = () => {}): Promise<void> {
  const { report, wait } = clockedReporter(renderer);
  await report.step("Resolve packages", (outer) =>
    outer.step("Download", async (step) => {
      step.progress(0, 12_000_000, "bytes");
      wait(6000);
      step.progress(6_000_000, 12_000_000, "bytes");
      during();
      wait(1000);
      step.note("warning", "the mirror is slow");
      step.detail("212 packages");
    }),
  );
  await report.step("Seal image", async (step) => step.cached());
}

/** What a terminal shows after `text`: knows newline, cursor up and erase below, which is all that the renderer uses. */
function screenOf(text: string): string[] {
  const lines: string[] = [""];
  let row = 0;
  // oxlint-disable-next-line no-control-regex -- the escape character is what is looked for
  for (const [token] of text.matchAll(/\u001b\[(\d*)[AJ]|\n|\r|[^\u001b\n\r]+/g)) {
    if (token === "\n") lines[++row] ??= "";
    else if (token.endsWith("A") && token.startsWith("\u001b")) row -= Number(token.slice(2, -1));
    else if (token === "\u001b[J") lines.splice(row, lines.length, "");
    else if (token !== "\r") lines[row] += token;
  }
  return lines.filter((line) => line !== "");
}
