/** Commands on a machine by ssh, with the tools tree's own client and a key that only this run knows. */
import { chmodSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AshlarError } from "#errors";
import type { ExecResult } from "#sys/exec.ts";
import { runInToolchain } from "#toolchain/sandbox.ts";
import type { Toolchain } from "#toolchain/open.ts";
import type { VmErrorCode } from "./errors.ts";
import type { Machine } from "./machine.ts";

export interface SshKey {
  /** Folder that holds `id` and `id.pub`. */
  readonly folder: string;
  readonly publicKey: string;
}

/** Makes a fresh ed25519 key in `folder`, replacing an older one. */
export async function createSshKey(folder: string, toolchain: Toolchain): Promise<SshKey> {
  mkdirSync(folder, { recursive: true });
  for (const name of ["id", "id.pub"]) rmSync(join(folder, name), { force: true });
  await runInToolchain(toolchain, "/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "ashlar", "-f", "/key/id"], {
    binds: [{ from: folder, to: "/key" }],
  });
  chmodSync(join(folder, "id"), 0o600);
  return { folder, publicKey: readFileSync(join(folder, "id.pub"), "utf8").trim() };
}

export interface SshTarget {
  readonly port: number;
  readonly user: string;
  readonly key: SshKey;
  readonly toolchain: Toolchain;
  /** Why the machine may not answer, for the error. */
  readonly lastWords?: Machine["lastWords"];
}

export interface SshOptions {
  /** Milliseconds for the command. */
  readonly timeout?: number;
  readonly onLine?: (line: string) => void;
}

/** Tries of a connection that ends before it has begun. */
const GREETINGS = 5;

/**
 * Runs a command line in the machine's shell. Exit code 255 means that the connection failed. One that the machine ends
 * before its greeting has run nothing: a server that has just started, or is about to, does that.
 */
export async function ssh(target: SshTarget, command: string, options: SshOptions = {}): Promise<ExecResult> {
  for (let left = GREETINGS; ; await sleep(1000)) {
    const result = await sshOnce(target, command, options);
    if (--left === 0 || result.exitCode !== 255 || !/^kex_exchange_identification: /m.test(result.stderr)) return result;
  }
}

function sshOnce(target: SshTarget, command: string, options: SshOptions): Promise<ExecResult> {
  const args = [
    "-p",
    String(target.port),
    "-i",
    "/key/id",
    "-o",
    "StrictHostKeyChecking=no",
    "-o",
    "UserKnownHostsFile=/dev/null",
    "-o",
    "LogLevel=ERROR",
    "-o",
    "ConnectTimeout=20",
    "-o",
    "ServerAliveInterval=10",
    "-o",
    // An emulated machine on a busy host may be silent for minutes.
    "ServerAliveCountMax=30",
    "-o",
    "BatchMode=yes",
    `${target.user}@127.0.0.1`,
    command,
  ];
  return runInToolchain(target.toolchain, "/usr/bin/ssh", args, {
    binds: [{ from: target.key.folder, to: "/key", readonly: true }],
    network: true,
    allowFailure: true,
    ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
    ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
  });
}

/**
 * Waits until the machine answers.
 * @param timeout milliseconds
 * @throws E_VM_SSH with the last refusal, and the last words of a machine that has them
 */
export async function waitForSsh(target: SshTarget, timeout: number): Promise<void> {
  const end = Date.now() + timeout;
  let last = "";
  while (Date.now() < end) {
    const result = await ssh(target, "true", { timeout: 60_000 }).catch((error: unknown) =>
      error instanceof AshlarError && error.code === "E_EXEC_TIMEOUT" ? undefined : Promise.reject(error as Error),
    );
    if (result?.exitCode === 0) return;
    last = result?.stderr.trim() ?? "no answer";
    await sleep(1000);
  }
  const words = await target.lastWords?.();
  throw new AshlarError<VmErrorCode>(
    "E_VM_SSH",
    `the machine did not answer by ssh within ${Math.round(timeout / 1000)} s: ${last}${words === undefined ? "" : `; ${words}`}`,
  );
}
