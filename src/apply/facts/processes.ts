/** Programs and libraries in the memory of processes, by unit. `man 5 proc_pid_maps`, `proc_pid_cgroup`. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { hasErrno } from "#errors";

export interface Mapping {
  /** "major:minor" of the file system that it was opened in. */
  readonly device: string;
  /** As seen from the root; of a mount that was taken away, from that mount's root. */
  readonly path: string;
}

export interface ProcessFacts {
  readonly pid: number;
  /** "ssh.service", "session-3.scope", "init.scope". */
  readonly unit: string;
  readonly mapped: readonly Mapping[];
}

/**
 * All processes whose memory may be read.
 * @param proc "/proc"
 * @returns `complete` is false when some may not be
 */
export function readProcesses(proc: string): { readonly processes: readonly ProcessFacts[]; readonly complete: boolean } {
  let complete = true;
  const processes: ProcessFacts[] = [];
  for (const name of readdirSync(proc)) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const unit = unitOf(readFileSync(join(proc, name, "cgroup"), "utf8"));
      const mapped = mappingsIn(readFileSync(join(proc, name, "maps"), "utf8"));
      processes.push({ pid: Number(name), unit, mapped });
    } catch (error) {
      if (hasErrno(error, "EACCES") || hasErrno(error, "EPERM")) complete = false;
      // It ended while it was looked at.
      else if (!hasErrno(error, "ENOENT") && !hasErrno(error, "ESRCH")) throw error;
    }
  }
  return { processes, complete };
}

/** Files of which some part may be executed, each once. */
export function mappingsIn(maps: string): Mapping[] {
  const found = new Map<string, Mapping>();
  for (const line of maps.split("\n")) {
    const [, device = "", path = ""] = /^\S+ ..x. \S+ ([0-9a-f]+:[0-9a-f]+) \d+ +(\/.*)$/.exec(line) ?? [];
    if (path === "") continue;
    const [major = "0", minor = "0"] = device.split(":");
    const numbers = `${Number.parseInt(major, 16)}:${Number.parseInt(minor, 16)}`;
    found.set(`${numbers} ${path}`, { device: numbers, path: path.replace(/ \(deleted\)$/, "") });
  }
  return [...found.values()];
}

/** The outermost unit of the one hierarchy: "0::/system.slice/ssh.service". */
function unitOf(cgroup: string): string {
  const path = /^0::(.*)$/m.exec(cgroup)?.[1] ?? "";
  return (
    path
      .split("/")
      .find((part) => /\.(?:service|scope|socket|mount)$/.test(part))
      ?.replaceAll(/\\x([0-9a-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))) ?? "-"
  );
}
