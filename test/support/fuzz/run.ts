/**
 * Bytes that somebody else made, changed in ways that hurt: each parser gives a value or an error of its own, never one of
 * JavaScript's, in little time. `ASHLAR_FUZZ_SEED` repeats a run; `ASHLAR_FUZZ_ONLY`, a regular expression, takes some parsers.
 */
import assert from "node:assert/strict";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import * as fc from "fast-check";
import { AshlarError } from "#errors";
import { DeltaError } from "#formats/delta/errors.ts";
import { ShapeError } from "#formats/shape.ts";
import { ZstdError } from "#formats/zstd/errors.ts";
import { silentReporter } from "#report/reporter.ts";
import { openToolchain } from "#toolchain/open.ts";
import { openWorkspace } from "#workspace";
import { imageParsers } from "./images.ts";
import { mutated } from "./mutation.ts";
import { packageParsers } from "./packages.ts";
import type { Parser } from "./parser.ts";
import { releaseParsers } from "./releases.ts";
import { makeImage, noise, openTestStore, scratch } from "../release-fixture.ts";

const SEED = Number(process.env["ASHLAR_FUZZ_SEED"] ?? Date.now() % 2 ** 31);
const ONLY = new RegExp(process.env["ASHLAR_FUZZ_ONLY"] ?? "");
/** Milliseconds for one case, on a busy computer. */
const SLOW = 2000;
const PACKAGES = 3;

/** Registers the tests. @param cases for each parser */
export function fuzzAll(cases: number): void {
  void test(`of ${cases} cases each, every parser makes a value or an error with a name`, async (t) => {
    const chosen = (await allParsers()).filter(({ name }) => ONLY.test(name));
    for (const parser of chosen) await t.test(parser.name, (inner) => fuzz(parser, cases, inner));
  });
  void test("a parser that trusts its input is found out", async (t) => {
    const inputs = [Buffer.from('{"list":[{"size":7}]}')];
    const naive = (bytes: Buffer): unknown => (JSON.parse(bytes.toString()) as { list: { size: number }[] }).list[0]?.size.toFixed();
    await assert.rejects(fuzz({ name: "naive", inputs, read: naive }, 1000, t), ({ cause }: Error) => cause instanceof TypeError);
  });
}

async function allParsers(): Promise<Parser[]> {
  using home = scratch();
  const store = await openTestStore(join(home.path, "store"));
  const image = makeImage(store, [noise(1, 100), noise(2, 6000)]);
  const parsers = [
    ...(await packageParsers(await smallestPackages())),
    ...imageParsers(image, store.read(image.digest)),
    ...(await releaseParsers(image, store)),
  ];
  await store.close();
  return parsers;
}

async function fuzz({ inputs, seal, read }: Parser, cases: number, t: TestContext): Promise<void> {
  assert.ok(inputs.length > 0, "there is no real input");
  for (const input of inputs) await read(input);
  let [accepted, slowest] = [0, 0];
  const sealed =
    seal === undefined ? mutated(inputs) : fc.tuple(mutated(inputs), fc.boolean()).map(([bytes, right]) => (right ? seal(bytes) : bytes));
  const property = fc.asyncProperty(sealed, async (bytes) => {
    const began = performance.now();
    try {
      await read(bytes);
      accepted++;
    } catch (error) {
      if (!isNamed(error)) throw error;
    }
    const took = performance.now() - began;
    slowest = Math.max(slowest, took);
    assert.ok(took < SLOW, `${bytes.length} bytes took ${Math.round(took)} ms`);
  });
  await fc.assert(property, { numRuns: cases, seed: SEED });
  t.diagnostic(`${accepted} of ${cases} accepted, the slowest in ${slowest.toFixed(1)} ms, seed ${SEED}`);
}

/** An error that says what is wrong with the input; any other one is a mistake of the parser. */
function isNamed(error: unknown): boolean {
  if (error instanceof AshlarError) return /^E_[A-Z0-9_]+$/.test(error.code) && error.message !== "";
  return error instanceof DeltaError || error instanceof ZstdError || error instanceof ShapeError || error instanceof SyntaxError;
}

/** Of those that the tools are made of: real ones of Debian. */
async function smallestPackages(): Promise<Buffer[]> {
  const workspace = openWorkspace();
  await openToolchain("build", { workspace, report: silentReporter });
  const paths = readdirSync(workspace.packages).map((name) => join(workspace.packages, name));
  const sized = paths.filter((path) => path.endsWith(".deb")).map((path) => ({ path, size: statSync(path).size }));
  return sized
    .sort((a, b) => a.size - b.size)
    .slice(0, PACKAGES)
    .map(({ path }) => readFileSync(path));
}
