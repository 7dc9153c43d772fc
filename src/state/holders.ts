/** Who may have made a file that nothing declares: processes that have it open, or a package of the same name. */
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { hasErrno } from "#errors";
import type { RootReader } from "./root-reader.ts";

/**
 * Names of processes that have files open at or below these paths.
 * @param proc where procfs is mounted
 */
export function openers(paths: readonly string[], proc = "/proc"): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>();
  for (const pid of gone(() => readdirSync(proc)) ?? []) {
    if (!/^\d+$/.test(pid)) continue;
    for (const fd of gone(() => readdirSync(`${proc}/${pid}/fd`)) ?? []) {
      const target = gone(() => readlinkSync(`${proc}/${pid}/fd/${fd}`));
      const path = target === undefined ? undefined : paths.find((each) => target === each || target.startsWith(`${each}/`));
      if (path === undefined) continue;
      const name = (gone(() => readFileSync(`${proc}/${pid}/comm`, "utf8")) ?? pid).trim();
      found.set(path, (found.get(path) ?? new Set()).add(name));
    }
  }
  return new Map([...found].map(([path, names]) => [path, [...names].sort()]));
}

/** An installed package that is named like the last part of the path, or whose name begins so. */
export function namesake(root: RootReader, path: string): string | undefined {
  const stem = path
    .slice(path.lastIndexOf("/") + 1)
    .replace(/^\.|\.\w+$/g, "")
    .toLowerCase();
  if (stem.length < 3) return undefined;
  const packages = root
    .list("/usr/lib/sysimage/dpkg/info")
    .filter((name) => name.endsWith(".list"))
    .map((name) => name.slice(0, -".list".length).replace(/:.*$/, ""));
  return packages.find((name) => name === stem) ?? packages.find((name) => name.startsWith(`${stem}-`));
}

/** Processes end while they are looked at. */
function gone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].some((errno) => hasErrno(error, errno))) return undefined;
    throw error;
  }
}
