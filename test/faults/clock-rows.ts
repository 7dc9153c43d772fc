/** Commands of a machine whose clock is wrong by decades. The whole process sees that clock, by libfaketime. */
import { join } from "node:path";
import { silentReporter } from "#report/reporter.ts";
import { exec } from "#sys/exec.ts";
import type { ExecResult } from "#sys/exec.ts";
import { openToolchain } from "#toolchain/open.ts";
import { hostCommand } from "#toolchain/sandbox.ts";
import { openWorkspace } from "#workspace";
import type { Lab } from "../support/machine-lab.ts";
import type { AgentProgram } from "./agent-program.ts";
import { espVerdict, nextOf, rootVerdict } from "./machine-invariants.ts";
import type { Row } from "./row.ts";
import { judge } from "./verdict.ts";

const CLOCKS = [
  { fault: "the clock says 1970", time: "1970-01-02 00:00:00" },
  // Who may sign has to be said anew by then: that nobody did looks like a mirror that stands still.
  { fault: "the clock is ten years ahead", time: `${new Date().getUTCFullYear() + 10}-01-01 00:00:00`, refused: "E_TRUST_EXPIRED" },
] as const;

/** Each on a machine with generations 1, 2 and 3, of which 3 runs and 4 is published. */
export async function clockRows(lab: () => Promise<Lab>, program: AgentProgram): Promise<Row[]> {
  const context = { workspace: openWorkspace(), report: silentReporter };
  const { root: tools } = await openToolchain("check", context);
  const library = join(tools, "usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1");
  // It needs the C library of its own release.
  const [loader = "", ...libraries] = hostCommand(await openToolchain("build", context), "").slice(0, -1);
  const rows: Row[] = [];
  for (const { fault, time, ...expected } of CLOCKS) {
    const { machine } = await lab();
    const problems: string[] = [];
    const start = (...args: string[]): Promise<ExecResult> => {
      const command = ["--disable-warning=ExperimentalWarning", program.script, ...args, "--json", "--progress", "quiet"];
      const env = { LD_PRELOAD: library, FAKETIME: `@${time}`, FAKETIME_DONT_FAKE_MONOTONIC: "1" };
      return exec(loader, [...libraries, program.node, ...command, "--root", machine.root], { env, allowFailure: true });
    };
    const run = async (...args: string[]): Promise<string> => {
      const { exitCode, stdout, stderr } = await start(...args);
      if (exitCode !== 0) problems.push(`${args.join(" ")} ends with ${exitCode}: ${stderr}`);
      return exitCode === 0 ? stdout.toString() : '{"generations":[]}';
    };
    await run("status");
    if ("refused" in expected) {
      const { stderr } = await start("upgrade");
      if (!stderr.includes(expected.refused)) problems.push(`upgrade does not say ${expected.refused}: ${stderr}`);
      if (!stderr.includes(`it is now ${time.slice(0, 4)}`)) problems.push(`the program saw another year: nothing was tried`);
    } else await run("upgrade");
    const after = "refused" in expected ? 3 : 4;
    if (nextOf(machine.root) !== after) problems.push(`generation ${nextOf(machine.root)} starts after the upgrade`);
    if (after === 4) {
      const { generations } = JSON.parse(await run("generations")) as { generations: { created: number }[] };
      const year = new Date((generations.at(-1)?.created ?? 0) * 1000).getUTCFullYear();
      if (`${year}` !== time.slice(0, 4)) problems.push(`the program saw the year ${year}: nothing was tried`);
    }
    await run("rollback", "2");
    if (nextOf(machine.root) !== 2) problems.push(`generation ${nextOf(machine.root)} starts after the rollback`);
    await run("collect", "--keep", "0");
    problems.push(...judge(espVerdict(machine.root), rootVerdict(machine.root), { generations: [2], kept: {} }));
    rows.push({ id: "F10", fault, tried: 1, survived: problems.length === 0 ? 1 : 0, problems });
  }
  return rows;
}
