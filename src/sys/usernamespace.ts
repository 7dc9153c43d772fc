/**
 * Building as an ordinary user: the command runs again as root of a user namespace of its own, in which the user's
 * subordinate ids are the other users (user_namespaces(7), subuid(5), newuidmap(1)).
 */
import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { AshlarError } from "#errors";
import { exec } from "./exec.ts";
import { textIfThere } from "./if-there.ts";

export type UserNamespaceErrorCode = "E_NEEDS_ROOT";

/**
 * Runs this process's own command again inside a user namespace and returns its exit code, for the caller to end with;
 * undefined when this process is root already (or in such a namespace) and simply goes on.
 * @param unshare gives the command line of util-linux's unshare, so that the build host needs none; called when nothing is missing
 * @throws E_NEEDS_ROOT with the one thing that is missing on this machine
 */
export async function enterUserNamespace(unshare: () => Promise<readonly string[]>): Promise<number | undefined> {
  if (process.geteuid?.() === 0) return undefined;
  const { username, uid } = userInfo();
  requireNamespaces();
  requireSubordinateIds(username, uid);
  const [program = "", ...args] = await unshare();
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const { exitCode } = await exec(program, [...args, "--user", "--map-root-user", "--map-auto", "--mount", "--", ...again], {
    terminal: true,
    allowFailure: true,
    env: definedOnly(process.env),
  });
  return exitCode;
}

/** Settings with which a kernel keeps user namespaces from ordinary users, and the value that does it. */
const FORBIDDING = [
  ["/proc/sys/user/max_user_namespaces", "0", "user.max_user_namespaces=10000"],
  ["/proc/sys/kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"],
  ["/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"],
] as const;

function requireNamespaces(): void {
  for (const [path, value, setting] of FORBIDDING)
    if ((textIfThere(path) ?? "").trim() === value)
      throw needsRoot(
        `this kernel gives ordinary users no user namespaces (${path} is ${value})`,
        `sudo sysctl ${setting}, or run the command with sudo`,
      );
}

function requireSubordinateIds(username: string, uid: number): void {
  const folders = (process.env["PATH"] ?? "").split(":");
  if (!folders.some((folder) => existsSync(join(folder, "newuidmap"))))
    throw needsRoot(
      "this machine has no newuidmap, which maps subordinate ids",
      "sudo apt-get install uidmap, or run the command with sudo",
    );
  for (const path of ["/etc/subuid", "/etc/subgid"]) {
    const has = (textIfThere(path) ?? "").split("\n").some((line) => line.startsWith(`${username}:`) || line.startsWith(`${uid}:`));
    if (!has)
      throw needsRoot(
        `${path} gives ${username} no subordinate ids`,
        `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${username}, or run the command with sudo`,
      );
  }
}

function needsRoot(why: string, hint: string): AshlarError<UserNamespaceErrorCode> {
  return new AshlarError("E_NEEDS_ROOT", `files of a system belong to many users, so building needs root or subordinate ids: ${why}`, {
    hint,
  });
}

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
