/** The suites that belong to a release of Debian, and which archive has each. */
import type { ArchiveRoot } from "./mirror.ts";

/** In the order in which they are asked for a package. */
export function suitesOf(suite: string): { readonly root: ArchiveRoot; readonly suite: string }[] {
  return [suite, `${suite}-updates`, `${suite}-security`].map((name) => ({ root: suiteRoot(name), suite: name }));
}

/** Which archive has a suite. */
export function suiteRoot(suite: string): ArchiveRoot {
  return suite.endsWith("-security") ? "debian-security" : "debian";
}
