/**
 * Trials in any order of upgrades, starts, verdicts, rollbacks and collections, with the power cut between any two writes, on
 * a machine in a folder with real entries, records and journal. A model beside it knows what was chosen and what was judged.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import * as fc from "fast-check";
import { installMachine } from "../../test/support/fake-machine.ts";
import type { FakeMachine } from "../../test/support/fake-machine.ts";
import { rootOf } from "../../test/support/keys.ts";
import { publisherHere } from "../../test/support/machine-lab.ts";
import { withPowerCut } from "../../test/support/power-cut.ts";
import { openTestStore } from "../../test/support/release-fixture.ts";
import { AshlarError } from "../errors.ts";
import { objectsOfImage } from "../formats/erofs/reader.ts";
import { fetchObjects } from "../registry/fetch-objects.ts";
import type { Release } from "../registry/release.ts";
import { openSource } from "../registry/source.ts";
import { silentReporter } from "../report/reporter.ts";
import { parseObjectId } from "../store/object.ts";
import { collect } from "./collect.ts";
import { generationsOf } from "./generations.ts";
import type { Generation } from "./generations.ts";
import { readAllRecords } from "./records.ts";
import { rollback } from "./rollback.ts";
import { stage } from "./stage.ts";
import type { StageResult } from "./stage.ts";
import { isStartable } from "./trial.ts";
import { bless, condemn } from "./trial-judge.ts";
import { settle } from "./trial-settle.ts";
import { readTrials } from "./trials.ts";

const { home, publisher } = await publisherHere();
const RELEASES = 4;
const folder = join(home.path, "releases");
const releases: Release[] = [];
before(async () => {
  for (let version = 1; version <= RELEASES; version++) releases.push(await publisher.release(folder, version));
});

/** `cut`: the writes after which the power goes; more than there are is never. */
type Action =
  | { readonly do: "stage"; readonly release: number; readonly retry: boolean; readonly cut: number }
  | { readonly do: "rollback"; readonly to: number | undefined; readonly cut: number }
  | { readonly do: "collect"; readonly keep: number; readonly cut: number }
  /** The boot loader starts what is next; nothing is judged yet. */
  | { readonly do: "start" }
  /** The probes of this start pass, or fail. */
  | { readonly do: "pass"; readonly cut: number }
  | { readonly do: "fail"; readonly cut: number };

const NEVER = 10_000;
const cut = fc.oneof({ weight: 2, arbitrary: fc.constant(NEVER) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 30 }) });
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("stage" as const), release: fc.nat(RELEASES - 1), retry: fc.boolean(), cut }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("start" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pass" as const), cut }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("fail" as const), cut }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("rollback" as const), to: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }), cut }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("collect" as const), keep: fc.nat(3), cut }) },
);

interface Model {
  readonly machine: FakeMachine;
  /** What a person chose last, or what the machine fell back to. */
  chosen: number;
  /** Generations that the machine left by itself, or that were judged bad: none of them may start again by itself. */
  readonly left: Set<number>;
  /** Generations that were staged. */
  readonly staged: Set<number>;
  fallbacks: number;
  /** The verdict of this start. */
  verdict: "none" | "passed" | "failed";
  /** Images that the machine was told are bad, and that were not good since. */
  readonly denied: Set<string>;
  readonly numbers: Map<number, string>;
}

test("whatever happens in which order, what starts next is good or on trial, and a bad generation never starts again by itself", async () => {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 4, maxLength: 16 }), async (actions) => {
      const machine = await installMachine(join(home.path, `machine-${++runs}`), folder, rootOf(publisher.keys));
      const first = machine.open().machine.booted?.generation ?? 0;
      const model: Model = {
        machine,
        chosen: first,
        left: new Set(),
        staged: new Set(),
        fallbacks: 0,
        verdict: "passed",
        denied: new Set(),
        numbers: new Map(),
      };
      for (const next of actions) {
        const said = JSON.stringify(next);
        const powerless = await perform(model, next);
        check(model, said);
        if (!powerless) continue;
        // What was half chosen counts as what is there.
        model.chosen = nextOf(machine)?.number ?? 0;
        start(model, `after the power cut in ${said}`);
        check(model, said);
      }
    }),
    { numRuns: Number(process.env["ASHLAR_MODEL_RUNS"] ?? 40) },
  );
});

/** @returns whether the power was cut */
async function perform(model: Model, next: Action): Promise<boolean> {
  if (next.do === "stage") return stageRelease(model, next);
  if (next.do === "rollback") return withPowerCut(next.cut, async () => goBack(model, next.to));
  if (next.do === "collect") return withPowerCut(next.cut, () => collectAll(model, next.keep));
  if (next.do === "start") {
    start(model, "start");
    return false;
  }
  // A start has one verdict.
  if (model.verdict !== "none") return false;
  model.verdict = next.do === "pass" ? "passed" : "failed";
  return withPowerCut(next.cut, () => (next.do === "pass" ? pass(model) : fail(model)));
}

async function stageRelease(model: Model, next: Extract<Action, { do: "stage" }>): Promise<boolean> {
  const release = releases[next.release];
  assert.ok(release);
  let result: StageResult | undefined;
  let bad = false;
  const powerless = await withPowerCut(next.cut, async () => {
    await learn(model);
    bad = model.denied.has(release.image.digest) && !hasWhole(model, release.image.digest);
    result = await upgrade(model, release, next.retry);
  });
  if (result === undefined || powerless) return powerless;
  assert.equal(result.outcome === "refused", bad && !next.retry, `${release.image.digest} is denied: ${bad}`);
  if (result.outcome === "staged" || result.outcome === "activated") model.chosen = result.generation;
  return powerless;
}

function goBack(model: Model, to: number | undefined): void {
  const { machine, loader } = model.machine.open();
  try {
    model.chosen = rollback(machine, loader, to).generation;
  } catch (error) {
    if (!(error instanceof AshlarError) || !/^E_(GENERATION|ROLLBACK)_/.test(error.code)) throw error;
  }
}

async function collectAll(model: Model, keep: number): Promise<void> {
  const { machine, loader } = model.machine.open();
  const store = await openTestStore(machine.store);
  try {
    await learn(model);
    await collect({ machine, loader, store }, { keep });
  } finally {
    await store.close();
  }
}

async function pass(model: Model): Promise<void> {
  const running = bootedOf(model.machine);
  await learn(model);
  bless(model.machine.open(), { uncount: true });
  model.denied.delete(running?.deployment.image.digest ?? "");
}

async function fail(model: Model): Promise<void> {
  const running = bootedOf(model.machine);
  assert.ok(running);
  await learn(model);
  const probes = [{ kind: "http", name: "page", reason: "500", duration: 1 }];
  const { outcome } = condemn(model.machine.open(), { reason: "page: 500", probes, log: [], when: 0 });
  assert.equal(outcome, running.state?.is === "good" ? "degraded" : "bad");
  if (outcome !== "bad") return;
  model.left.add(running.number);
  model.denied.add(running.deployment.image.digest);
}

/** What the agent does before it changes anything. */
async function learn(model: Model): Promise<void> {
  const learned = await settle(model.machine.open(), async () => ({ reason: "lost", probes: [], log: [], when: 0 }));
  const { deployments } = readAllRecords(model.machine.open().machine.deployments);
  for (const number of learned) model.denied.add(deployments.find((deployment) => deployment.number === number)?.image.digest ?? "");
}

async function upgrade(model: Model, release: Release, retry: boolean): Promise<StageResult> {
  const { machine, loader } = model.machine.open();
  const store = await openTestStore(machine.store);
  try {
    const bring: Parameters<typeof stage>[0]["bring"] = (objects, step) => fetchObjects(openSource(folder), objects, store, step);
    const { image, objects, sequence } = release;
    const request = { image, objects, origin: folder, sequence, now: 0, bring, retry };
    return await stage(request, { machine, loader, store, report: silentReporter });
  } finally {
    await store.close();
  }
}

/** systemd-boot: the next one, with one try less. */
function start(model: Model, said: string): void {
  const expected = nextOf(model.machine);
  const number = model.machine.boot(false);
  assert.equal(number, expected?.number, said);
  assert.equal(model.left.has(number), false, `${said}: generation ${number} was left before, and starts again by itself`);
  model.verdict = "none";
  if (number === model.chosen) return;
  model.left.add(model.chosen);
  model.fallbacks += 1;
  model.chosen = number;
}

function check(model: Model, said: string): void {
  const { machine, loader } = model.machine.open();
  const records = readAllRecords(machine.deployments);
  const entries = loader.entries();
  assert.deepEqual(entries.problems, [], said);
  const generations = generationsOf(machine, records, entries);
  const next = generations.find((generation) => generation.next);
  assert.ok(next?.state !== undefined && isStartable(next.state), `${said}: ${next?.number} starts next and is ${next?.state?.is}`);
  assert.equal(model.left.has(next.number), false, `${said}: ${next.number} was left before and starts next`);
  assert.ok(
    generations.some(({ state }) => state?.is === "good"),
    `${said}: a good one stays`,
  );
  assert.ok(wholeOf(machine.store, next), `${said}: ${next.number} is whole`);
  for (const { number } of generations) if (number > 1) model.staged.add(number);
  assert.ok(model.fallbacks <= model.staged.size, `${said}: ${model.fallbacks} times back by itself, ${model.staged.size} stagings`);
  for (const { number, image } of [...records.deployments, ...records.past.map(({ deployment }) => deployment)]) {
    assert.equal(model.numbers.get(number) ?? image.digest, image.digest, `${said}: number ${number} is used again`);
    model.numbers.set(number, image.digest);
  }
  // A verdict is written down only when the boot loader passes over its generation already.
  const { denied } = readTrials(machine).trials;
  for (const { number, state } of generations)
    if (denied.some(({ generation }) => generation === number))
      assert.ok(state?.is === "good" || state === undefined || !isStartable(state), `${said}: ${number} is judged and may start`);
  // The journal, or what will get into it at the next look, knows every bad image.
  const known = new Set<string>([
    ...denied.map(({ image }) => image),
    ...records.past.filter(({ why }) => why === "failed").map(({ deployment }) => deployment.image.digest),
    ...generations.filter(({ state }) => state?.is !== "new").map(({ deployment }) => deployment.image.digest),
  ]);
  for (const digest of model.denied) assert.ok(known.has(digest), `${said}: ${digest} is forgotten`);
}

function wholeOf(store: string, { deployment }: Generation): boolean {
  const at = (object: string): string => join(store, "objects", object.slice(0, 2), object.slice(2));
  const image = readFileSync(at(deployment.image.digest));
  return objectsOfImage(image).every(({ object }) => readFileSync(at(parseObjectId(object) ?? "")).length > 0);
}

function hasWhole(model: Model, digest: string): boolean {
  return all(model.machine).some(
    ({ deployment, state }) => deployment.image.digest === digest && (state?.is === "good" || state?.is === "trying"),
  );
}

function all(fake: FakeMachine): Generation[] {
  const { machine, loader } = fake.open();
  return generationsOf(machine, readAllRecords(machine.deployments), loader.entries());
}

const nextOf = (fake: FakeMachine): Generation | undefined => all(fake).find(({ next }) => next);
const bootedOf = (fake: FakeMachine): Generation | undefined => all(fake).find(({ booted }) => booted);
