/**
 * Every system call of a command on a machine fails once, and once the machine's program is killed before it: what is left
 * can start, says the truth, and doing the same again ends as if nothing had happened.
 */
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentReporter } from "#report/reporter.ts";
import { openToolchain } from "#toolchain/open.ts";
import { openWorkspace } from "#workspace";
import { ashlar, json, openLab, openPublisher } from "../support/machine-lab.ts";
import type { Lab } from "../support/machine-lab.ts";
import { writeAgentProgram } from "./agent-program.ts";
import { espVerdict, keptFiles, nextOf, rootVerdict } from "./machine-invariants.ts";
import { openTracer } from "./strace.ts";
import type { Call, Fault } from "./strace.ts";
import { judge } from "./verdict.ts";

export interface Swept {
  readonly command: string;
  readonly call: Call;
  readonly fault: Fault;
  /** False when the call was not made on the machine's files this time: nothing was tried. */
  readonly hit: boolean;
  readonly problems: readonly string[];
}

interface Scenario {
  readonly name: string;
  readonly args: readonly string[];
  /** Brings a machine that runs release 1 to where the command is given. */
  readonly prepare: (lab: Lab, release: (version: number) => Promise<unknown>) => Promise<void>;
}

const upgraded: Scenario["prepare"] = async ({ machine }, release) => {
  await release(2);
  await json(machine, "upgrade");
  machine.boot();
};

const SCENARIOS: readonly Scenario[] = [
  { name: "upgrade", args: ["upgrade"], prepare: async (_lab, release) => void (await release(2)) },
  {
    name: "activate",
    args: ["upgrade"],
    prepare: async (lab, release) => {
      await upgraded(lab, release);
      await json(lab.machine, "rollback", "1");
    },
  },
  { name: "rollback", args: ["rollback", "1"], prepare: upgraded },
  {
    name: "collect",
    args: ["collect", "--keep", "0"],
    prepare: async (lab, release) => {
      await upgraded(lab, release);
      await release(3);
      await json(lab.machine, "upgrade");
      lab.machine.boot();
    },
  },
];

/** Calls that change files, or make changes durable. */
const CHANGING =
  "write,writev,pwrite64,pwritev,fsync,fdatasync,syncfs,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,rmdir,ftruncate,fallocate,fchmod,openat".split(
    ",",
  );
const FAULTS: readonly Fault[] = ["SIGKILL", "EIO", "ENOSPC", "EROFS"];

/**
 * @param request.share one of so many is tried
 * @param request.offset which one
 */
export async function* sweepSyscalls(request: {
  readonly share: number;
  readonly offset: number;
  readonly only?: string;
}): AsyncGenerator<Swept> {
  const toolchain = await openToolchain("faults", { workspace: openWorkspace(), report: silentReporter });
  const home = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "ashlar-sweep-"));
  const publisher = await openPublisher(home);
  try {
    const program = await writeAgentProgram(join(home, "program"));
    const tracer = openTracer(toolchain, join(home, "trace"));
    let turn = request.offset;
    for (const scenario of SCENARIOS) {
      if (request.only !== undefined && request.only !== scenario.name) continue;
      const lab = await openLab(join(home, scenario.name), publisher);
      const { root } = lab.machine;
      await scenario.prepare(lab, (version) => publisher.release(lab.releases, version));
      const pristine = join(home, "pristine");
      rmSync(pristine, { recursive: true, force: true });
      cpSync(root, pristine, { recursive: true, verbatimSymlinks: true });
      const reset = (): void => {
        rmSync(root, { recursive: true });
        cpSync(pristine, root, { recursive: true, verbatimSymlinks: true });
      };
      const command = [program.node, "--disable-warning=ExperimentalWarning", program.script, ...scenario.args];
      const full = [...command, "--json", "--progress", "quiet", "--root", root];
      const before = nextOf(root);
      const { calls, result } = await tracer.callsOf(full, CHANGING, root);
      if (result.exitCode !== 0) throw new Error(`${scenario.name} fails without a fault: ${result.stderr}`);
      const after = nextOf(root);
      await ashlar(lab.machine, "collect", "--keep", "0");
      const wanted = keptFiles(root);
      for (const call of calls)
        for (const fault of FAULTS) {
          if (turn++ % request.share !== 0) continue;
          reset();
          const run = await tracer.inject(full, { call, fault }, root);
          const problems = run.hit ? await problemsAfter({ lab, scenario, run, before, after, wanted, killed: fault === "SIGKILL" }) : [];
          yield { command: scenario.name, call, fault, hit: run.hit, problems };
        }
    }
  } finally {
    await publisher.store.close();
    rmSync(home, { recursive: true });
  }
}

interface After {
  readonly lab: Lab;
  readonly scenario: Scenario;
  readonly run: { readonly exitCode: number; readonly stderr: string };
  readonly before: number | undefined;
  readonly after: number | undefined;
  readonly wanted: readonly string[];
  readonly killed: boolean;
}

async function problemsAfter({ lab, scenario, run, before, after, wanted, killed }: After): Promise<string[]> {
  const { machine } = lab;
  const { root } = machine;
  const problems: string[] = [];
  const generations = [before, after].filter((number) => number !== undefined);
  problems.push(...judge(espVerdict(root), rootVerdict(root), { generations, kept: {} }));
  if (!killed) problems.push(...honesty(run, nextOf(root) === after));
  for (const args of [["status"], scenario.args]) {
    const again = await ashlar(machine, ...args);
    if (again.exitCode !== 0) problems.push(`${args.join(" ")} afterwards ends with ${again.exitCode}: ${again.err}`);
  }
  if (nextOf(root) !== after) problems.push(`doing it again ends with generation ${nextOf(root)} as the next, not ${after}`);
  const collected = await ashlar(machine, "collect", "--keep", "0");
  if (collected.exitCode !== 0) problems.push(`collect afterwards ends with ${collected.exitCode}: ${collected.err}`);
  const found = keptFiles(root);
  problems.push(...found.filter((path) => !wanted.includes(path)).map((path) => `${path} is left over`));
  problems.push(...wanted.filter((path) => !found.includes(path)).map((path) => `${path} is gone`));
  return problems;
}

/** Success is success, and failure says what failed. */
function honesty({ exitCode, stderr }: After["run"], done: boolean): string[] {
  if (exitCode === 0) return done ? [] : ["it says that it succeeded, and did not"];
  try {
    const { error } = JSON.parse(stderr.trim().split("\n").at(-1) ?? "") as { error: { code: string; message: string; hint?: string } };
    return error.code === "E_UNEXPECTED" || error.message === "" ? [`its error says nothing: ${stderr}`] : [];
  } catch {
    return [`it ends with ${exitCode} and no error: ${JSON.stringify(stderr.slice(0, 300))}`];
  }
}
