/**
 * Ingesting a built tree: scan, hash, store, make durable, write the image; against `ostree commit` of the same tree.
 *
 *   node bench/ingest.ts [FOLDER] [RUNS]
 *
 * Without a folder, a tree of 550 MB is made from /usr of this machine. Both start from an empty store on the same file
 * system, with the tree in the page cache and on the disk; their runs alternate. Ashlar is measured as a process of its
 * own, start of Node included: once moving the files (as a build does) and once copying them (as ostree does).
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { parseArgs } from "node:util";
import { exec } from "#sys/exec.ts";
import { syncFileSystem } from "#sys/syncfs.ts";
import { makeTree } from "./tree.ts";

interface Run {
  /** Milliseconds. */
  readonly wall: number;
  /** Milliseconds of processor time, user and system: comparable also on a busy machine. */
  readonly cpu: number;
  /** KiB. */
  readonly rss: number;
}

const { positionals } = parseArgs({ allowPositionals: true });
const scratch = mkdtempSync(join(positionals[0] === undefined ? tmpdir() : join(positionals[0], ".."), "ashlar-ingest-"));
try {
  await installPeer();
  const source = positionals[0] ?? makeTree(join(scratch, "tree"));
  const runs: Record<string, Run[]> = { "ashlar, moving": [], "ashlar, copying": [], "ostree commit": [] };
  // Nothing is removed between the runs: ext4 is slow at making files right after many were removed.
  for (let run = 0; run < Number(positionals[1] ?? 5); run++) {
    const copy = join(scratch, `copy-${run}`);
    cpSync(source, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    runs["ashlar, moving"]?.push(await ashlar(copy, join(scratch, `moved-${run}`), "move"));
    runs["ashlar, copying"]?.push(await ashlar(source, join(scratch, `copied-${run}`), "copy"));
    runs["ostree commit"]?.push(await ostree(source, join(scratch, `ostree-${run}`)));
  }
  const peer = median(runs["ostree commit"] ?? [], "wall");
  print(`${source}, ${Object.values(runs)[0]?.length} runs each, medians`);
  for (const [name, list] of Object.entries(runs)) {
    const wall = median(list, "wall");
    print(
      `  ${name.padEnd(16)} ${(wall / 1000).toFixed(2)} s   ${(wall / peer).toFixed(2)} of ostree   processor ${(median(list, "cpu") / 1000).toFixed(2)} s   peak ${(median(list, "rss") / 1024).toFixed(0)} MiB`,
    );
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function ashlar(folder: string, store: string, how: "move" | "copy"): Promise<Run> {
  return await measure(execPath, [new URL("ingest-run.ts", import.meta.url).pathname, folder, store, how]);
}

async function ostree(folder: string, repository: string): Promise<Run> {
  mkdirSync(repository);
  await exec("ostree", ["init", `--repo=${repository}`, "--mode=bare-user"]);
  return await measure("ostree", ["commit", `--repo=${repository}`, "--branch=tree", `--tree=dir=${folder}`]);
}

async function measure(program: string, args: readonly string[]): Promise<Run> {
  syncFileSystem(scratch);
  const start = performance.now();
  const { stderr } = await exec("/usr/bin/time", ["-f", "%M %U %S", program, ...args], {
    env: { ...(process.env as Record<string, string>) },
  });
  const wall = performance.now() - start;
  const [rss = NaN, user = NaN, system = NaN] = (stderr.trim().split("\n").at(-1) ?? "").split(" ").map(Number);
  return { wall, cpu: (user + system) * 1000, rss };
}

async function installPeer(): Promise<void> {
  const missing = Object.entries({ ostree: "/usr/bin/ostree", time: "/usr/bin/time" }).flatMap(([name, path]) =>
    existsSync(path) ? [] : [name],
  );
  if (missing.length === 0) return;
  print(`installing ${missing.join(", ")} with apt-get`);
  await exec("apt-get", ["install", "--yes", "--no-install-recommends", ...missing]);
}

function median(runs: readonly Run[], field: keyof Run): number {
  return runs.map((run) => run[field]).sort((a, b) => a - b)[Math.floor(runs.length / 2)] ?? NaN;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
