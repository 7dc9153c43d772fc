/** Which package of the image brought a path: from dpkg's file lists, for what concerns mutable data. */
import type { RootReader } from "./root-reader.ts";

const INFO = "/usr/lib/sysimage/dpkg/info";
/** Mutable folders, and the files that declare them. */
const CONCERNS = /^\/(var|srv|home|root|usr\/lib\/tmpfiles\.d|usr\/lib\/systemd\/system)\//;

/** Paths to package names; a folder that several packages have is not listed. */
export function packageOwners(root: RootReader): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  const shared = new Set<string>();
  for (const name of root.list(INFO)) {
    if (!name.endsWith(".list")) continue;
    const owner = name.slice(0, -".list".length).replace(/:.*$/, "");
    for (const path of (root.read(`${INFO}/${name}`) ?? "").split("\n")) {
      if (!CONCERNS.test(path)) continue;
      if (owners.has(path)) shared.add(path);
      owners.set(path, owner);
    }
  }
  for (const path of shared) owners.delete(path);
  return owners;
}
