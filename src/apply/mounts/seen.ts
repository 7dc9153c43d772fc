/** What lies over /usr and /etc now, from the list of mounts. */
import { readFileSync } from "node:fs";
import { mountOption, parseMountinfo, topmostMount } from "#formats/mountinfo.ts";
import type { Mount } from "#formats/mountinfo.ts";
import { LIVE } from "./layout.ts";

export type Switched = "/usr" | "/etc";

export function readMounts(pid: number | "self" = "self"): Mount[] {
  return parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, "utf8"));
}

/** The mounts of applied generations at this path, without what the machine was started with. */
export function liveMounts(mounts: readonly Mount[], path: Switched): Mount[] {
  return mounts.filter(
    (mount) => mount.path === path && (path === "/usr" ? isImage(mount) : (upperOf(mount)?.startsWith(`${LIVE}/`) ?? false)),
  );
}

/** The upper layer of what is seen at /etc. */
export function etcUpper(mounts: readonly Mount[]): string | undefined {
  return upperOf(topmostMount(mounts, "/etc"));
}

/** Why a generation cannot be put over what is mounted now. */
export function mountObstacles(mounts: readonly Mount[]): string[] {
  const obstacles: string[] = [];
  const usr = topmostMount(mounts, "/usr");
  if (usr !== undefined && !isImage(usr)) obstacles.push(`${usr.source} lies over /usr: leave the edit session, or restart`);
  const etc = topmostMount(mounts, "/etc");
  if (etc !== undefined && etc.source !== "ashlar-etc") obstacles.push(`${etc.source} lies over /etc`);
  return obstacles;
}

/** Mounts below /usr or /etc that somebody made, outermost first; they are carried over. */
export function mountsBelow(mounts: readonly Mount[], path: Switched): string[] {
  return [...new Set(mounts.flatMap((mount) => (mount.path.startsWith(`${path}/`) ? [mount.path] : [])))].sort();
}

function isImage(mount: Mount): boolean {
  return mount.source.startsWith("composefs:");
}

function upperOf(mount: Mount | undefined): string | undefined {
  return mountOption(mount, "upperdir");
}
