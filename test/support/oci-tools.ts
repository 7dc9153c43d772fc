/** A real registry and real readers of images, from Debian's packages. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { silentReporter } from "#report/reporter.ts";
import { exec } from "#sys/exec.ts";
import type { ExecResult } from "#sys/exec.ts";
import { openToolchain } from "#toolchain/open.ts";
import { hostCommand } from "#toolchain/sandbox.ts";
import { openWorkspace } from "#workspace";

export interface OciTools {
  /** Runs a program of the tools tree on this host. */
  run(program: string, args: readonly string[], options?: { allowFailure?: boolean; env?: Record<string, string> }): Promise<ExecResult>;
  readonly root: string;
}

export async function ociTools(): Promise<OciTools> {
  const toolchain = await openToolchain("oci", { workspace: openWorkspace(), report: silentReporter });
  return {
    root: toolchain.root,
    run: (program, args, { allowFailure = false, env = {} } = {}) => {
      const [loader = "", ...command] = [...hostCommand(toolchain, program), ...args];
      return exec(loader, command, {
        allowFailure,
        timeout: 120_000,
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", ...env },
      });
    },
  };
}

export interface RegistryServer extends AsyncDisposable {
  /** host:port */
  readonly host: string;
  /** What it has said so far. */
  log(): string;
}

/** Debian's docker-registry on loopback. @param sections further YAML of its configuration (auth, tls under http) */
export async function startRegistry(tools: OciTools, sections: { http?: string; rest?: string } = {}): Promise<RegistryServer> {
  const folder = mkdtempSync(join(tmpdir(), "ashlar-oci-registry-"));
  const port = await freePort();
  mkdirSync(join(folder, "data"));
  const config = [
    "version: 0.1",
    "log: {level: debug}",
    "storage:",
    `  filesystem: {rootdirectory: ${join(folder, "data")}}`,
    "http:",
    `  addr: 127.0.0.1:${port}`,
    "  secret: a-secret-of-a-test",
    ...(sections.http === undefined ? [] : [sections.http]),
    ...(sections.rest === undefined ? [] : [sections.rest]),
  ];
  writeFileSync(join(folder, "config.yml"), `${config.join("\n")}\n`);
  const libraries = join(tools.root, "usr/lib/x86_64-linux-gnu");
  const loader = join(tools.root, "usr/lib64/ld-linux-x86-64.so.2");
  const args = ["--library-path", libraries, join(tools.root, "usr/bin/docker-registry"), "serve", join(folder, "config.yml")];
  const server = spawn(loader, args, { env: {}, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  server.stdout.on("data", (chunk: Buffer) => (log += chunk.toString()));
  server.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  for (let attempt = 0; !log.includes("listening on"); attempt++) {
    if (attempt > 300 || server.exitCode !== null) throw new Error(`docker-registry does not start: ${log}`);
    await sleep(50);
  }
  return {
    host: `127.0.0.1:${port}`,
    log: () => log,
    [Symbol.asyncDispose]: async () => {
      const ended = new Promise((done) => server.once("close", done));
      server.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}
