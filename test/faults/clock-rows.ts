/** Commands of a machine whose clock is wrong by decades. The whole process sees that clock, by libfaketime. */
import { join } from "node:path";
import { silentReporter } from "#report/reporter.ts";
import { exec } from "#sys/exec.ts";
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
  { fault: "the clock is ten years ahead", time: `${new Date().getUTCFullYear() + 10}-01-01 00:00:00` },
] as const;

/** Each on a machine with generations 1, 2 and 3, of which 3 runs and 4 is published. */
export async function clockRows(lab: () => Promise<Lab>, program: AgentProgram): Promise<Row[]> {
  const context = { workspace: openWorkspace(), report: silentReporter };
  const { root: tools } = await openToolchain("check", context);
  const library = join(tools, "usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1");
  // It needs the C library of its own release.
  const [loader = "", ...libraries] = hostCommand(await openToolchain("build", context), "").slice(0, -1);
  const rows: Row[] = [];
  for (const { fault, time } of CLOCKS) {
    const { machine } = await lab();
    const problems: string[] = [];
    const run = async (...args: string[]): Promise<string> => {
      const command = [
        "--disable-warning=ExperimentalWarning",
        program.script,
        ...args,
        "--json",
        "--progress",
        "quiet",
        "--root",
        machine.root,
      ];
      const env = { LD_PRELOAD: library, FAKETIME: `@${time}`, FAKETIME_DONT_FAKE_MONOTONIC: "1" };
      const { exitCode, stdout, stderr } = await exec(loader, [...libraries, program.node, ...command], { env, allowFailure: true });
      if (exitCode !== 0) problems.push(`${args.join(" ")} ends with ${exitCode}: ${stderr}`);
      return exitCode === 0 ? stdout.toString() : '{"generations":[]}';
    };
    await run("status");
    await run("upgrade");
    if (nextOf(machine.root) !== 4) problems.push(`generation ${nextOf(machine.root)} starts after the upgrade`);
    const [staged] = (JSON.parse(await run("generations")) as { generations: { generation: number; created: number }[] }).generations.slice(
      -1,
    );
    const year = new Date((staged?.created ?? 0) * 1000).getUTCFullYear();
    if (`${year}` !== time.slice(0, 4)) problems.push(`the program saw the year ${year}: nothing was tried`);
    await run("rollback", "2");
    if (nextOf(machine.root) !== 2) problems.push(`generation ${nextOf(machine.root)} starts after the rollback`);
    await run("collect", "--keep", "0");
    problems.push(...judge(espVerdict(machine.root), rootVerdict(machine.root), { generations: [2], kept: {} }));
    rows.push({ id: "F10", fault, tried: 1, survived: problems.length === 0 ? 1 : 0, problems });
  }
  return rows;
}
