/**
 * Ingesting a built tree: scan, hash, store, make durable, write the image; against `ostree commit` of the same tree.
 *
 *   node bench/ingest.ts [FOLDER] [RUNS]
 *
 * Without a folder, a tree of 550 MB is made from /usr of this machine. Both start from an empty store on the same file
 * system, with the tree in the page cache and on the disk; their runs alternate. Ashlar is measured as a process of its
 * own, start of Node included: once moving the files (as a build does) and once copying them (as ostree does).
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { parseArgs } from "node:util";
import { exec } from "#sys/exec.ts";
import { installPeers, measure, median } from "./measure.ts";
import type { Run } from "./measure.ts";
import { makeTree } from "./tree.ts";

const { positionals } = parseArgs({ allowPositionals: true });
const scratch = mkdtempSync(join(positionals[0] === undefined ? tmpdir() : join(positionals[0], ".."), "ashlar-ingest-"));
try {
  await installPeers({ ostree: "/usr/bin/ostree" });
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
  return await measure(execPath, [new URL("ingest-run.ts", import.meta.url).pathname, folder, store, how], { folder: scratch });
}

async function ostree(folder: string, repository: string): Promise<Run> {
  mkdirSync(repository);
  await exec("ostree", ["init", `--repo=${repository}`, "--mode=bare-user"]);
  return await measure("ostree", ["commit", `--repo=${repository}`, "--branch=tree", `--tree=dir=${folder}`], { folder: scratch });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
