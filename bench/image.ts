/**
 * Inodes per second of the image writer, beside mkcomposefs on the same dump.
 *
 *   node bench/image.ts [DUMP]     a dump from `ashlar dump`; else a made-up system of 60,000 files
 *
 * mkcomposefs reads the text and starts a process as well, so the writer is timed both ways.
 */
import { readFileSync } from "node:fs";
import { verityDigest } from "#formats/fsverity.ts";
import { parseDumpfile } from "#formats/composefs/dumpfile-parse.ts";
import { writeImage } from "#formats/erofs/writer.ts";
import { composefsOracle } from "../test/oracle/composefs.ts";

const ROUNDS = 7;
const FILES = 60_000;

const path = process.argv[2];
const dump = path === undefined ? madeUpDump() : readFileSync(path, "latin1");
const entries = parseDumpfile(dump);
const image = writeImage(entries);

await report("write", () => void writeImage(entries));
await report("parse and write", () => void writeImage(parseDumpfile(dump)));
const oracle = await composefsOracle();
if (typeof oracle === "string") print(oracle);
else {
  const theirs = await oracle.mkcomposefs(dump);
  print(theirs.equals(image) ? `the same image: ${verityDigest(image)}` : "the images differ");
  await report("mkcomposefs --from-file", () => oracle.mkcomposefs(dump).then(() => {}));
}

/** Prints the best of several rounds: the others were disturbed. */
async function report(name: string, run: () => void | Promise<void>): Promise<void> {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    await run();
    best = Math.min(best, performance.now() - start);
  }
  const rate = Math.round(entries.length / best);
  print(`${name.padEnd(26)} ${best.toFixed(0).padStart(6)} ms  ${String(rate).padStart(5)} thousand inodes/s`);
}

function madeUpDump(): string {
  const lines = ["/ 0 40755 2 0 0 0 1700000000.0 - - -"];
  for (let file = 0; file < FILES; file++) {
    const folder = Math.floor(file / 12);
    if (file % 12 === 0) lines.push(`/package${folder} 0 40755 2 0 0 0 1700000000.0 - - -`);
    const digest = verityDigest(Buffer.from(String(file)));
    lines.push(
      `/package${folder}/file${file} ${1000 + file} 100644 1 0 0 0 1700000000.0 ${digest.slice(0, 2)}/${digest.slice(2)} - ${digest}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
