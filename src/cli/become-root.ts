import process from "node:process";
import type { Reporter } from "#report/reporter.ts";
import type { Workspace } from "#workspace";

export interface RootContext {
  readonly workspace: Workspace;
  readonly report: Reporter;
}

/**
 * Makes sure that a command which handles files of many users runs as root: an ordinary user's runs again in a user
 * namespace, by Ashlar's own tools, and its exit code comes back. Undefined: this process is root and goes on.
 * @throws E_NEEDS_ROOT, and what preparing the tools throws
 */
export async function becomeRoot(context: RootContext): Promise<number | undefined> {
  if (process.geteuid?.() === 0) return undefined;
  const [{ enterUserNamespace }, { openToolchain }, { hostCommand }] = await Promise.all([
    import("#sys/usernamespace.ts"),
    import("#toolchain/open.ts"),
    import("#toolchain/sandbox.ts"),
  ]);
  return enterUserNamespace(async () => hostCommand(await openToolchain("build", context), "usr/bin/unshare"));
}
