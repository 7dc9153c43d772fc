/** What the machine's log says about a start, for a verdict. */
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { AshlarError, hasErrno } from "#errors";
import { exec } from "#sys/exec.ts";

const LINES = 40;
const UNITS_MAX = 8;
const JOURNAL = ["--no-pager", "--quiet", "--output=short-monotonic", "--no-hostname"] as const;
const JOURNAL_MS = 60_000;

/** Names of the units that failed in this start, and of the jobs that systemd still works on. */
export async function troubleOf(): Promise<{ readonly failed: string[]; readonly running: string[] }> {
  const failed = await ask("systemctl", ["list-units", "--state=failed", "--plain", "--no-legend", "--no-pager"]);
  const jobs = await ask("systemctl", ["list-jobs", "--plain", "--no-legend", "--no-pager"]);
  return {
    failed: failed.flatMap((line) => line.split(/\s+/)[0] ?? []),
    running: jobs.flatMap((line) => {
      const [, unit = "", , state] = line.trim().split(/\s+/);
      return state === "running" && !unit.startsWith("ashlar-trial-failed") ? [unit] : [];
    }),
  };
}

/** The last lines of units in this start; of everything that warned when none is named. */
export function logOf(units: readonly string[]): Promise<string[]> {
  const which = units.length === 0 ? ["--priority=warning"] : units.slice(0, UNITS_MAX).map((unit) => `--unit=${unit}`);
  return ask("journalctl", ["--boot", ...JOURNAL, `--lines=${LINES}`, ...which]);
}

/** The last warnings of the last start of a generation; undefined when that start never came to write to the log. */
export async function logOfLastStart(generation: number): Promise<string[] | undefined> {
  const pattern = `Command line: .*\\bashlar\\.generation=${generation}( |$)`;
  const [line] = await ask("journalctl", [
    "--no-pager",
    "--quiet",
    "--output=json",
    "--output-fields=_BOOT_ID",
    "--lines=1",
    `--grep=${pattern}`,
    "_TRANSPORT=kernel",
  ]);
  const boot = /"_BOOT_ID":"([0-9a-f]{32})"/.exec(line ?? "")?.[1];
  if (boot === undefined) return undefined;
  return ask("journalctl", [`--boot=${boot}`, ...JOURNAL, `--lines=${LINES}`, "--priority=warning"]);
}

/** What a panicking kernel left: systemd-pstore's copies below /var, newest first. */
export function panicOf(root: string): string[] {
  const home = join(root, "var/lib/systemd/pstore");
  const files = filesBelow(home)
    .map((name) => join(home, name))
    .filter((path) => /dmesg[^/]*$/.test(path))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  const [newest] = files;
  return newest === undefined ? [] : readFileSync(newest, "latin1").trimEnd().split("\n").slice(-LINES);
}

function filesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath.slice(folder.length), name));
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return [];
    throw error;
  }
}

/** Lines of a program that only helps to explain: without it there is less to say, and nothing to fail for. */
async function ask(program: string, args: readonly string[]): Promise<string[]> {
  try {
    const { stdout } = await exec(program, args, { allowFailure: true, timeout: JOURNAL_MS });
    const text = stdout.toString().trimEnd();
    return text === "" ? [] : text.split("\n");
  } catch (error) {
    if (error instanceof AshlarError && error.code.startsWith("E_EXEC_")) return [];
    throw error;
  }
}
