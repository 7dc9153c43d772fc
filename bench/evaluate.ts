/**
 * Evaluation of a config: the time to load `examples/web` in a fresh process, and what its parts take.
 *
 *   node bench/evaluate.ts [CONFIG]
 *
 * The goal is 0.3 s. Other systems evaluate in-process; Ashlar starts a second one, for hermeticity.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exec } from "#sys/exec.ts";

const ROUNDS = 7;
const root = join(import.meta.dirname, "..");
const config = process.argv[2] ?? join(root, "examples/web");
const cache = mkdtempSync(join(tmpdir(), "ashlar-bench-"));
const load = `await (await import(${JSON.stringify(join(root, "src/config/load.ts"))})).loadSystem(${JSON.stringify(config)}`;

try {
  await report("node, nothing to do", "0", {});
  await report("loadSystem", `${load})`, {});
  await report("loadSystem, with what earlier runs kept", `${load}, { scripts: ${JSON.stringify(cache)} })`, { NODE_COMPILE_CACHE: cache });
} finally {
  rmSync(cache, { recursive: true });
}

/** Prints the best of several rounds: the others were disturbed. */
async function report(name: string, code: string, env: Readonly<Record<string, string>>): Promise<void> {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    await exec(process.execPath, ["--input-type=module", "--eval", code], { env, cwd: root });
    best = Math.min(best, performance.now() - start);
  }
  process.stdout.write(`${name}: ${Math.round(best)} ms\n`);
}
