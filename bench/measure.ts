/** Wall time, processor time and memory of a command with everything that it starts. */
import { existsSync, mkdtempSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { exec } from "#sys/exec.ts";
import { syncFileSystem } from "#sys/syncfs.ts";

export interface Run {
  /** Milliseconds. */
  readonly wall: number;
  /** Milliseconds of processor time, user and system, of all processes: comparable also on a busy machine. */
  readonly cpu: number;
  /** KiB of the largest process. */
  readonly rss: number;
  /** Bytes written to file systems on disks, by the processes that were waited for. */
  readonly written: number;
}

export interface MeasureOptions {
  /** What was written there before goes to the disk first. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Of getrusage(2): `ru_oublock`. */
const BLOCK = 512;

/**
 * Runs a command. Needs root, `/usr/bin/time`, and cgroups of version 2: only they count processes in a sandbox, whose times
 * the kernel does not add to those of the sandbox's parent.
 */
export async function measure(program: string, args: readonly string[], { folder, env = {} }: MeasureOptions): Promise<Run> {
  const group = mkdtempSync(join(cgroups(), "ashlar-bench-"));
  try {
    syncFileSystem(folder);
    const start = performance.now();
    const enter = `echo $$ >${group}/cgroup.procs && exec "$@"`;
    const { stderr } = await exec("/usr/bin/time", ["-f", "%M %O", "/bin/sh", "-c", enter, "sh", program, ...args], {
      env: { ...(process.env as Record<string, string>), ...env },
    });
    const wall = performance.now() - start;
    const microseconds = Number(/^usage_usec (\d+)/m.exec(readFileSync(`${group}/cpu.stat`, "utf8"))?.[1]);
    const [rss, blocks] = (stderr.trim().split("\n").at(-1) ?? "").split(" ");
    return { wall, cpu: microseconds / 1000, rss: Number(rss), written: Number(blocks) * BLOCK };
  } finally {
    rmdirSync(group);
  }
}

export function median(runs: readonly Run[], field: keyof Run): number {
  return runs.map((run) => run[field]).sort((a, b) => a - b)[Math.floor(runs.length / 2)] ?? NaN;
}

/** Installs the programs that a benchmark compares with and measures by. @param programs package to path */
export async function installPeers(programs: Readonly<Record<string, string>>): Promise<void> {
  const missing = Object.entries({ ...programs, time: "/usr/bin/time" }).flatMap(([name, path]) => (existsSync(path) ? [] : [name]));
  if (missing.length === 0) return;
  process.stdout.write(`installing ${missing.join(", ")} with apt-get\n`);
  await exec("apt-get", ["install", "--yes", "--no-install-recommends", ...missing]);
}

/** Where version 2 is mounted. */
function cgroups(): string {
  const found = /^\S+ (\S+) cgroup2 /m.exec(readFileSync("/proc/mounts", "utf8"))?.[1];
  if (found === undefined) throw new Error("there is no cgroup2 mount: mount -t cgroup2 none /mnt");
  return found;
}
