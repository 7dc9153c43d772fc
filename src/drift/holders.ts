/** Which processes still use a mount: by the folder they are in, their program, or open files (`man 5 proc_pid_fdinfo`, mnt_id). */
import { closeSync, openSync, readFileSync, readdirSync } from "node:fs";
import { hasErrno } from "#errors";

export interface Holder {
  readonly pid: number;
  readonly name: string;
}

/** Opens nothing but the name: no permission on the file is needed, and devices are not touched. asm-generic/fcntl.h */
const O_PATH = 0o10000000;

/**
 * Processes that hold the mount, this one left out.
 * @param mountId first field of its line in mountinfo
 */
export function holdersOf(mountId: number): Holder[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) =>
      holds(`/proc/${pid}`, mountId)
        ? [{ pid: Number(pid), name: gone(() => readFileSync(`/proc/${pid}/comm`, "utf8").trim()) ?? "?" }]
        : [],
    );
}

function holds(process: string, mountId: number): boolean {
  if (["cwd", "exe", "root"].some((link) => mountOf(`${process}/${link}`) === mountId)) return true;
  const open = gone(() => readdirSync(`${process}/fdinfo`)) ?? [];
  return open.some((fd) => idIn(gone(() => readFileSync(`${process}/fdinfo/${fd}`, "utf8"))) === mountId);
}

function mountOf(path: string): number | undefined {
  return gone(() => {
    const fd = openSync(path, O_PATH);
    try {
      return idIn(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"));
    } finally {
      closeSync(fd);
    }
  });
}

function idIn(text: string | undefined): number | undefined {
  const id = /^mnt_id:\s*(\d+)$/m.exec(text ?? "")?.[1];
  return id === undefined ? undefined : Number(id);
}

/** Processes end while one looks at them; kernel threads have no program. */
function gone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES"].some((errno) => hasErrno(error, errno))) return undefined;
    throw error;
  }
}
