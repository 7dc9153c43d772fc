/**
 * The paths of a machine and what it was started with. The physical root is at /sysroot, the ESP at /efi, and `/` is an
 * overlay whose source is `composefs:<digest>` (ARCHITECTURE.md, "On a disk that Ashlar made").
 */
import { join } from "node:path";
import { parseMountinfo, topmostMount } from "#formats/mountinfo.ts";
import { parseObjectId } from "#store/object.ts";
import type { ObjectId } from "#store/object.ts";
import { textIfThere } from "#sys/if-there.ts";

/** How the source of an image's mount begins. */
const SOURCE = "composefs:";

export interface Machine {
  readonly root: string;
  readonly sysroot: string;
  readonly store: string;
  readonly deployments: string;
  readonly esp: string;
  /** One process at a time changes generations. In /run: it works on a full or read-only disk. */
  readonly lock: string;
  /** What was started; undefined on a computer that Ashlar did not start. */
  readonly booted: RunningImage | undefined;
  /** What programs see now: another generation than `booted` when one was applied to the running system. */
  readonly running: RunningImage | undefined;
}

export interface RunningImage {
  readonly digest: ObjectId;
  /** Undefined when only the digest is known; the records of generations say more. */
  readonly generation: number | undefined;
}

/** @param root "/" on a machine; a folder with the same layout in tests */
export function openMachine(root = "/"): Machine {
  const sysroot = join(root, "sysroot");
  const mountinfo = textIfThere(join(root, "proc/self/mountinfo")) ?? "";
  const cmdline = textIfThere(join(root, "proc/cmdline")) ?? "";
  return {
    root,
    sysroot,
    store: join(sysroot, "ashlar/store"),
    deployments: join(sysroot, "ashlar/deployments"),
    esp: join(root, "efi"),
    lock: join(root, "run/ashlar.lock"),
    booted: imageAt(["/"], mountinfo, cmdline),
    running: imageAt(["/usr", "/"], mountinfo, cmdline),
  };
}

/**
 * The image that is seen at the first of these paths where one is mounted. Its source says which, as the command line stays
 * the same when the root is changed without a new kernel.
 */
export function imageAt(paths: readonly string[], mountinfo: string, cmdline: string): RunningImage | undefined {
  // An edit session or another overlay above hides some of its files, not which image it is.
  const images = parseMountinfo(mountinfo).filter(({ source }) => source.startsWith(SOURCE));
  for (const path of paths) {
    const digest = parseObjectId(topmostMount(images, path)?.source.slice(SOURCE.length) ?? "");
    if (digest === undefined) continue;
    const started = /(?:^|\s)composefs=(\w+)(?=\s|$)/.exec(cmdline)?.[1];
    const generation = /(?:^|\s)ashlar\.generation=(\d{1,6})(?=\s|$)/.exec(cmdline)?.[1];
    return { digest, generation: generation === undefined || started !== digest ? undefined : Number(generation) };
  }
  return undefined;
}
