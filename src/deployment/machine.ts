/**
 * The paths of a machine and what it was started with. The physical root is at /sysroot, the ESP at /efi, and `/` is an
 * overlay whose source is `composefs:<digest>` (ARCHITECTURE.md, "On a disk that Ashlar made").
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hasErrno } from "#errors";
import { parseObjectId } from "#store/object.ts";
import type { ObjectId } from "#store/object.ts";

export interface Machine {
  readonly root: string;
  readonly sysroot: string;
  readonly store: string;
  readonly deployments: string;
  readonly esp: string;
  /** One process at a time changes generations. In /run: it works on a full or read-only disk. */
  readonly lock: string;
  /** What runs now; undefined on a computer that Ashlar did not start. */
  readonly booted: { readonly digest: ObjectId; readonly generation: number | undefined } | undefined;
}

/** @param root "/" on a machine; a folder with the same layout in tests */
export function openMachine(root = "/"): Machine {
  const sysroot = join(root, "sysroot");
  return {
    root,
    sysroot,
    store: join(sysroot, "ashlar/store"),
    deployments: join(sysroot, "ashlar/deployments"),
    esp: join(root, "efi"),
    lock: join(root, "run/ashlar.lock"),
    booted: bootedOf(read(join(root, "proc/self/mountinfo")), read(join(root, "proc/cmdline"))),
  };
}

/**
 * What a machine runs, from its mounts and kernel command line.
 * `man 5 proc_pid_mountinfo`: after a lone "-" come the type and the source of the mount; the fifth field is where it is.
 */
export function bootedOf(mountinfo: string, cmdline: string): Machine["booted"] {
  // The last mount on "/" is the one that is seen.
  const root = mountinfo.split("\n").findLast((line) => line.split(" ")[4] === "/");
  const source = root?.slice(root.indexOf(" - ") + 3).split(" ")[1] ?? "";
  const digest = source.startsWith("composefs:") ? parseObjectId(source.slice("composefs:".length)) : undefined;
  if (digest === undefined) return undefined;
  const generation = /(?:^|\s)ashlar\.generation=(\d{1,6})(?=\s|$)/.exec(cmdline)?.[1];
  return { digest, generation: generation === undefined ? undefined : Number(generation) };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return "";
    throw error;
  }
}
