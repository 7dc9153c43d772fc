/**
 * Switches /etc and /usr to another generation. The new tree is put over the old one, or beneath it and then the old one is
 * taken away, so that the stack does not grow; whoever opens a path meanwhile finds it in one of them.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { topmostMount } from "#formats/mountinfo.ts";
import { attachCopy, makePrivate } from "#sys/mount-tree.ts";
import { mountFileSystem, unmount } from "#sys/mount.ts";
import { copyUpper } from "./etc-layer.ts";
import { mountImage } from "./image.ts";
import { LIVE, livePaths } from "./layout.ts";
import { etcUpper, liveMounts, mountsBelow, readMounts } from "./seen.ts";
import type { Switched } from "./seen.ts";

export interface LiveRequest {
  readonly slot: string;
  readonly digest: string;
  /** /sysroot/ashlar/store */
  readonly store: string;
  /** Whether /etc comes too; without it the one that is there stays. */
  readonly etc: boolean;
  readonly readonlyEtc: boolean;
}

/**
 * Mounts all that a generation needs, aside: nothing that runs sees it.
 * @throws E_APPLY_IMAGE, a system error
 */
export async function prepareLive({ slot, digest, store, etc, readonlyEtc }: LiveRequest): Promise<void> {
  const paths = livePaths(slot);
  mkdirSync(paths.folder, { recursive: true, mode: 0o755 });
  mountImage(store, digest, paths.root);
  makePrivate(paths.root);
  const mounts = readMounts();
  for (const path of mountsBelow(mounts, "/usr")) attachCopy(path, `${paths.root}${path}`, "over");
  if (!etc) return;
  await copyUpper(etcUpper(mounts), paths.upper);
  mkdirSync(paths.work, { recursive: true, mode: 0o755 });
  mkdirSync(paths.etc, { recursive: true });
  mountFileSystem({
    source: "ashlar-etc",
    target: paths.etc,
    type: "overlay",
    data: `lowerdir=${paths.root}/etc,upperdir=${paths.upper},workdir=${paths.work}`,
    readonly: readonlyEtc,
    setuid: true,
  });
  makePrivate(paths.etc);
  for (const path of mountsBelow(mounts, "/etc")) attachCopy(path, `${paths.etc}${path.slice("/etc".length)}`, "over");
}

/**
 * Makes a prepared slot what is seen at one path; `undefined` brings back what the machine was started with. Can be repeated
 * after it was interrupted anywhere.
 */
export function switchTo(path: Switched, slot: string | undefined): void {
  const stack = (): number => liveMounts(readMounts(), path).length;
  if (slot === undefined) {
    while (stack() > 0) unmount(path);
    return;
  }
  // More than one is left by an interruption between the two steps below.
  while (stack() > 1) unmount(path);
  if (slotAt(path) === slot) return;
  if (stack() === 0) return attachCopy(sourceOf(path, slot), path, "over");
  attachCopy(sourceOf(path, slot), path, "beneath");
  unmount(path);
}

/** The slot that is seen at a path; undefined when it is what was started. */
export function slotAt(path: Switched): string | undefined {
  const mounts = readMounts();
  const seen = topmostMount(liveMounts(mounts, path), path);
  // A copy of a mount has the same file system.
  return slots().find((slot) => mounts.some((mount) => mount.path === mountOf(path, slot) && mount.device === seen?.device));
}

/** Takes away what was prepared and is not seen; what is in use by programs lives on until it is not. */
export function dropUnseen(): void {
  const seen = [slotAt("/usr"), slotAt("/etc")];
  for (const slot of slots()) {
    if (seen.includes(slot)) continue;
    const { folder } = livePaths(slot);
    // Innermost first; none may be left when the folder is removed.
    for (const { path } of readMounts().reverse()) if (path.startsWith(`${folder}/`)) unmount(path);
    if (!readMounts().some(({ path }) => path.startsWith(`${folder}/`))) rmSync(folder, { recursive: true, force: true });
  }
}

function mountOf(path: Switched, slot: string): string {
  const { root, etc } = livePaths(slot);
  return path === "/usr" ? root : etc;
}

function sourceOf(path: Switched, slot: string): string {
  return path === "/usr" ? `${mountOf(path, slot)}/usr` : mountOf(path, slot);
}

function slots(): string[] {
  return existsSync(LIVE) ? readdirSync(LIVE).sort() : [];
}
