/** Disks without a free byte, and disks that cannot be written: real file systems, mounted here. */
import { cpSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exec } from "#sys/exec.ts";
import { ashlar } from "../support/machine-lab.ts";
import type { Lab, Ran } from "../support/machine-lab.ts";
import { espVerdict, rootVerdict } from "./machine-invariants.ts";
import type { Row } from "./row.ts";
import { judge } from "./verdict.ts";

type Disk = "sysroot" | "efi";

interface DiskFault {
  readonly id: string;
  readonly fault: string;
  readonly disks: readonly Disk[];
  readonly state: "full" | "read-only";
  /** Going back writes one sector of the ESP. */
  readonly canGoBack: boolean;
}

const FAULTS: readonly DiskFault[] = [
  { id: "F27", fault: "0 bytes free on both file systems", disks: ["sysroot", "efi"], state: "full", canGoBack: true },
  { id: "F28", fault: "the root file system is read-only", disks: ["sysroot"], state: "read-only", canGoBack: true },
  { id: "F28", fault: "the ESP is read-only", disks: ["efi"], state: "read-only", canGoBack: false },
  { id: "F28", fault: "both file systems are read-only", disks: ["sysroot", "efi"], state: "read-only", canGoBack: false },
];
const BYTES = 64 * 1024 * 1024;

/** Each on a machine with generations 1, 2 and 3, of which 3 runs and 4 is published. Needs root. */
export async function diskRows(lab: () => Promise<Lab>): Promise<Row[]> {
  const rows: Row[] = [];
  for (const fault of FAULTS) {
    const ready = await lab();
    const mounted = await mountDisks(ready, fault);
    try {
      const problems = await problemsOf(fault, ready);
      rows.push({ id: fault.id, fault: fault.fault, tried: 1, survived: problems.length === 0 ? 1 : 0, problems });
    } finally {
      for (const path of mounted) await exec("umount", [path]);
    }
  }
  return rows;
}

async function problemsOf({ canGoBack }: DiskFault, { machine }: Lab): Promise<string[]> {
  const problems: string[] = [];
  const works = async (...args: string[]): Promise<void> => {
    const { exitCode, err } = await ashlar(machine, ...args);
    if (exitCode !== 0) problems.push(`${args.join(" ")} ends with ${exitCode}: ${err}`);
  };
  const fails = async (...args: string[]): Promise<void> => {
    const ran = await ashlar(machine, ...args, "--json");
    problems.push(...silence(args, ran));
    problems.push(...judge(espVerdict(machine.root), rootVerdict(machine.root), { generations: [3], kept: {} }));
  };
  for (const args of [["status"], ["generations"], ["fsck"], ["collect", "--dry-run"]]) await works(...args);
  await fails("upgrade");
  if (canGoBack) {
    await works("rollback", "2");
    if (machine.boot() !== 2) problems.push("rollback succeeded, and generation 2 does not start");
  } else await fails("rollback", "2");
  return problems;
}

function silence(args: readonly string[], { exitCode, err }: Ran): string[] {
  if (exitCode === 0) return [`${args.join(" ")} says that it succeeded`];
  const { error } = JSON.parse(err) as { error: { code: string; message: string; hint?: string } };
  return error.hint === undefined || !error.code.startsWith("E_") ? [`${args.join(" ")} does not say what to do: ${err}`] : [];
}

async function mountDisks({ machine }: Lab, { disks, state }: DiskFault): Promise<string[]> {
  const mounted: string[] = [];
  for (const disk of disks) {
    const path = join(machine.root, disk);
    renameSync(path, `${path}.aside`);
    mkdirSync(path);
    await exec("mount", ["-t", "tmpfs", "-o", `size=${BYTES}`, "none", path]);
    mounted.push(path);
    cpSync(`${path}.aside`, path, { recursive: true, verbatimSymlinks: true });
    if (state === "read-only") await exec("mount", ["-o", "remount,ro", path]);
    else fill(join(path, "filler"));
  }
  return mounted;
}

function fill(path: string): void {
  try {
    writeFileSync(path, Buffer.alloc(BYTES));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") return;
    throw error;
  }
  throw new Error(`${path} did not fill its file system`);
}
