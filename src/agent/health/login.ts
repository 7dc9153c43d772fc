/**
 * An operator can log in: sshd answers with a host key, and one of the declared users is let in by PAM and gets the shell.
 * PAM is asked by systemd for a transient unit of that user (`PAMName=`, `man systemd.exec`), which runs the account and the
 * session part of sshd's own rules; a person's key is not at hand, so the key file is only looked at.
 */
import { existsSync, readFileSync } from "node:fs";
import type { HealthSpec } from "#config/health.ts";
import { hasErrno } from "#errors";
import { tryCommand } from "./command.ts";
import { tryTcp } from "./network.ts";
import type { Failure } from "./result.ts";

const LOOPBACK = "127.0.0.1";

/** @param timeout milliseconds for each step */
export async function tryLogin(login: NonNullable<HealthSpec["login"]>, timeout: number): Promise<Failure | undefined> {
  if (process.getuid?.() !== 0) return { reason: "only root can tell whether somebody can log in: sudo ashlar health" };
  const { port } = login;
  const server = port === undefined ? undefined : await trySshd(port, timeout);
  if (server !== undefined) return server;
  const failures: string[] = [];
  for (const user of login.users) {
    const failure = await tryUser(user, port === undefined ? "login" : "sshd", timeout);
    if (failure === undefined) return undefined;
    failures.push(failure.output === undefined || failure.output === "" ? failure.reason : `${failure.reason}\n${failure.output}`);
  }
  return { reason: `none of ${login.users.join(", ")} can log in`, output: failures.join("\n") };
}

async function trySshd(port: number, timeout: number): Promise<Failure | undefined> {
  const answer = await tryTcp({ host: LOOPBACK, port, banner: /^SSH-2\.0-/m }, timeout);
  if (answer !== undefined) return answer;
  const scan = "/usr/bin/ssh-keyscan";
  // A server without a key closes the connection later; ssh-keyscan then ends with nothing and exit code 1.
  const keys = await tryCommand([scan, "-T", String(Math.ceil(timeout / 1000)), "-p", String(port), LOOPBACK], timeout + 1000);
  return keys === undefined ? undefined : { ...keys, reason: `sshd at port ${port} has no host key: ${keys.reason}` };
}

async function tryUser(user: string, service: string, timeout: number): Promise<Failure | undefined> {
  const account = accountOf(user);
  if (account === undefined) return { reason: `${user}: there is no such account` };
  if (!hasKey(user, account.home) && !account.password) return { reason: `${user} has neither a key nor a password` };
  if (!existsSync(account.shell)) return { reason: `${user}: the shell ${account.shell} does not exist` };
  const unit = ["--quiet", "--wait", "--pipe", "--collect", `--property=User=${user}`, `--property=PAMName=${service}`];
  const failure = await tryCommand(["/usr/bin/systemd-run", ...unit, account.shell, "-c", "true"], timeout);
  return failure === undefined
    ? undefined
    : { ...failure, reason: `${user}: PAM does not let it in, or its shell fails (${failure.reason})` };
}

interface Account {
  readonly home: string;
  readonly shell: string;
  /** It has a password that can be typed. */
  readonly password: boolean;
}

/** `man 5 passwd`, `man 5 shadow`. */
function accountOf(user: string): Account | undefined {
  const [, , , , , home = "", shell = ""] = fieldsOf("/etc/passwd", user);
  if (home === "") return undefined;
  const [, hash = ""] = fieldsOf("/etc/shadow", user);
  return { home, shell: shell === "" ? "/bin/sh" : shell, password: hash.startsWith("$") };
}

/** Where sshd looks (src/tree/render/network.ts). */
function hasKey(user: string, home: string): boolean {
  return [`/etc/ssh/authorized_keys.d/${user}`, `${home}/.ssh/authorized_keys`].some((path) => textOf(path).trim() !== "");
}

function fieldsOf(path: string, user: string): string[] {
  return (
    textOf(path)
      .split("\n")
      .map((line) => line.split(":"))
      .find(([name]) => name === user) ?? []
  );
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR")) return "";
    throw error;
  }
}
