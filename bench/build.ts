/**
 * Building `examples/web` with all packages downloaded and nothing built, against mmdebstrap with the same packages.
 *
 *   node bench/build.ts [PAIRS]        as root; by default 3 pairs, whose runs alternate
 *
 * mmdebstrap gets a local archive of exactly the lock's packages (so its apt has less to read than with Debian's whole
 * index), by `copy:`, so that nothing is downloaded; it leaves a folder. Ashlar reads its package cache, verifies
 * it, and goes on to hash all files, make the initrd and write the image. Ashlar's tools and mmdebstrap are installed before.
 * Then: what a second build takes when nothing changed, when one file changed, and what `ashlar check` takes.
 */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readDeb } from "#formats/deb.ts";
import type { Lock } from "#lock/lock.ts";
import { fetchPackages } from "#archive/download.ts";
import { lockSystem } from "#pipeline";
import { silentReporter } from "#report/reporter.ts";
import { openToolchain } from "#toolchain/open.ts";
import { openWorkspace } from "#workspace";
import { installPeers, measure, median } from "./measure.ts";
import type { Run } from "./measure.ts";
import { copyExamples, workspaceIn } from "../test/support/build-lab.ts";

const REPEATS = 7;
const root = join(import.meta.dirname, "..");
const scratch = mkdtempSync(join(tmpdir(), "ashlar-bench-"));
const context = { workspace: openWorkspace(), report: silentReporter };

try {
  await installPeers({ mmdebstrap: "/usr/bin/mmdebstrap" });
  const config = join(copyExamples(join(scratch, "project")), "web/system.ts");
  const { lock } = await lockSystem({ config }, context);
  await openToolchain("build", { ...context, packages: lock.tools.packages });
  const archive = await localArchive(lock);
  // Node's compiled code of Ashlar, which every build but the very first finds.
  await ashlar("warm", "check", config);

  const pairs = Number(process.argv[2] ?? 3);
  const runs: Record<"ashlar build" | "mmdebstrap", Run[]> = { "ashlar build": [], mmdebstrap: [] };
  for (let pair = 0; pair < pairs; pair++) {
    runs["ashlar build"].push(await ashlar(`built-${pair}`, "build", config));
    runs.mmdebstrap.push(await mmdebstrap(archive, lock, join(scratch, `peer-${pair}`)));
    if (pair > 0) rmSync(join(scratch, `built-${pair}`), { recursive: true });
    rmSync(join(scratch, `peer-${pair}`), { recursive: true });
  }
  const peer = median(runs.mmdebstrap, "wall");
  print(`examples/web, ${lock.packages.length} packages, ${pairs} pairs, medians`);
  for (const [name, list] of Object.entries(runs)) print(`${row(name, list)}   ${(median(list, "wall") / peer).toFixed(2)} of mmdebstrap`);

  const page = join(config, "../site/index.html");
  const again: Record<string, Run[]> = { "nothing changed": [], "one file changed": [], "ashlar check": [] };
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    again["nothing changed"]?.push(await ashlar("built-0", "build", config));
    again["ashlar check"]?.push(await ashlar("built-0", "check", config));
    writeFileSync(page, `page ${repeat}\n`);
    again["one file changed"]?.push(await ashlar("built-0", "build", config));
  }
  print(`after a build, ${REPEATS} runs each, medians`);
  for (const [name, list] of Object.entries(again)) print(row(name, list));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** A command of Ashlar with a build cache of its own in `cache`. */
async function ashlar(cache: string, ...args: readonly string[]): Promise<Run> {
  const folder = join(scratch, cache);
  if (!existsSync(folder)) workspaceIn(folder);
  return measure(join(root, "ashlar"), [...args, "--progress", "quiet"], { folder: scratch, env: { ASHLAR_CACHE: folder } });
}

/** The packages, and an index of them, as a trivial archive. @returns its folder */
async function localArchive(lock: Lock): Promise<string> {
  const folder = join(scratch, "archive");
  mkdirSync(folder);
  const paths = await fetchPackages(lock.packages, context);
  const index: string[] = [];
  for (const { name, version, architecture, size, sha256 } of lock.packages) {
    const file = `${name}_${version.replaceAll(":", "%3a")}_${architecture}.deb`;
    const content = readFileSync(paths.get(sha256) ?? "");
    cpSync(paths.get(sha256) ?? "", join(folder, file));
    const { controlText } = await readDeb(content);
    const md5 = createHash("md5").update(content).digest("hex");
    index.push(`${controlText.trimEnd()}\nFilename: ./${file}\nSize: ${size}\nMD5sum: ${md5}\nSHA256: ${sha256}\n`);
  }
  const packages = index.join("\n");
  writeFileSync(join(folder, "Packages"), packages);
  // mmdebstrap finds the essential packages by the suite's name.
  const { suite } = lock.request;
  const sum = createHash("sha256").update(packages).digest("hex");
  const date = new Date().toUTCString();
  writeFileSync(
    join(folder, "Release"),
    `Suite: ${suite}\nCodename: ${suite}\nDate: ${date}\nSHA256:\n ${sum} ${Buffer.byteLength(packages)} Packages\n`,
  );
  return folder;
}

async function mmdebstrap(archive: string, lock: Lock, target: string): Promise<Run> {
  const names = lock.packages.map(({ name, architecture }) => `${name}${architecture === "all" ? "" : `:${architecture}`}`);
  const source = `deb [trusted=yes] copy:${archive} ./`;
  return measure("mmdebstrap", ["--quiet", "--variant=essential", `--include=${names.join(",")}`, lock.request.suite, target, source], {
    folder: scratch,
  });
}

function row(name: string, runs: readonly Run[]): string {
  const [wall, cpu, rss] = [median(runs, "wall") / 1000, median(runs, "cpu") / 1000, median(runs, "rss") / 1024];
  return `  ${name.padEnd(16)} ${wall.toFixed(2).padStart(6)} s   processor ${cpu.toFixed(2).padStart(6)} s   peak ${rss.toFixed(0).padStart(4)} MiB`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
