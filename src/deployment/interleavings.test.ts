/**
 * Any order of upgrades, boots, trials, rollbacks, pins and collections, each cut short at any moment, against a model: at
 * every step the machine can start, starts what the model says, and everything that it may still start is whole.
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
import { openTestStore } from "../../test/support/release-fixture.ts";
import { AshlarError } from "../errors.ts";
import { objectsOfImage } from "../formats/erofs/reader.ts";
import { fetchObjects } from "../registry/fetch-objects.ts";
import type { Release } from "../registry/release.ts";
import { openSource } from "../registry/source.ts";
import { silentReporter } from "../report/reporter.ts";
import { parseObjectId } from "../store/object.ts";
import { collect } from "./collect.ts";
import type { Loader } from "./loader.ts";
import { setPinned } from "./pin.ts";
import { readAllRecords } from "./records.ts";
import { rollback } from "./rollback.ts";
import { stage } from "./stage.ts";

const { home, publisher } = await publisherHere();
const RELEASES = 4;
const releases: Release[] = [];
const folder = join(home.path, "releases");
before(async () => {
  releases.push(await publisher.release(folder, 1));
});

type Action =
  | { readonly do: "stage"; readonly release: number; readonly cut: number }
  | { readonly do: "boot"; readonly healthy: boolean }
  | { readonly do: "rollback"; readonly to: number | undefined }
  | { readonly do: "pin"; readonly generation: number; readonly pinned: boolean }
  | { readonly do: "collect"; readonly keep: number; readonly cut: number };

/** The cut is the number of changes to the ESP after which the process dies; large ones never happen. */
const cut = fc.oneof({ weight: 3, arbitrary: fc.constant(99) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 }) });
const number = fc.integer({ min: 1, max: 6 });
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant("stage" as const), release: fc.integer({ min: 0, max: RELEASES - 1 }), cut }),
  fc.record({ do: fc.constant("boot" as const), healthy: fc.boolean() }),
  fc.record({ do: fc.constant("rollback" as const), to: fc.option(number, { nil: undefined }) }),
  fc.record({ do: fc.constant("pin" as const), generation: number, pinned: fc.boolean() }),
  fc.record({ do: fc.constant("collect" as const), keep: fc.integer({ min: 0, max: 3 }), cut }),
);

class Killed extends Error {}

/** A loader whose process dies before its nth change. */
function dying(loader: Loader, changes: number): Loader {
  let left = changes;
  const step = (work: () => void): void => {
    if (left-- === 0) throw new Killed();
    work();
  };
  return {
    ...loader,
    install: (image, request) => step(() => loader.install(image, request)),
    activate: (generation, activation) => step(() => loader.activate(generation, activation)),
    remove: (generation) => step(() => loader.remove(generation)),
    prune: () => step(() => loader.prune()),
  };
}

test("no order of changes, cut short anywhere, leaves a machine that cannot start or that lost what it must keep", async () => {
  for (let version = 2; version <= RELEASES; version++) releases.push(await publisher.release(folder, version));
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 3, maxLength: 14 }), async (actions) => {
      const machine = await installMachine(join(home.path, `machine-${++runs}`), folder, rootOf(publisher.keys));
      for (const next of actions) {
        const before = snapshot(machine);
        await perform(machine, next);
        check(machine, before, next);
      }
    }),
    { numRuns: 25 },
  );
});

async function perform(fake: FakeMachine, next: Action): Promise<void> {
  if (next.do === "boot") return void fake.boot(next.healthy);
  const { machine, loader } = fake.open();
  const store = await openTestStore(machine.store);
  try {
    if (next.do === "rollback") rollback(machine, loader, next.to);
    else if (next.do === "pin") setPinned(machine, next.generation, next.pinned);
    else if (next.do === "collect") await collect({ machine, loader: dying(loader, next.cut), store }, { keep: next.keep });
    else {
      const release = releases[next.release];
      assert.ok(release);
      const bring: Parameters<typeof stage>[0]["bring"] = (objects, step) => fetchObjects(openSource(folder), objects, store, step);
      await stage(
        { image: release.image, objects: release.objects, origin: folder, sequence: release.sequence, now: 0, bring, retry: true },
        { machine, loader: dying(loader, next.cut), store, report: silentReporter },
      );
    }
  } catch (error) {
    const expected = error instanceof AshlarError && [
      "E_GENERATION_UNKNOWN",
      "E_GENERATION_FAILED",
      "E_GENERATION_INCOMPLETE",
      "E_ROLLBACK_NONE",
    ];
    if (!(error instanceof Killed) && !(expected !== false && expected.includes((error as AshlarError).code))) throw error;
  } finally {
    await store.close();
  }
}

interface Snapshot {
  readonly next: number | undefined;
  readonly booted: string | undefined;
  readonly numbers: readonly number[];
  readonly pinned: readonly number[];
}

function snapshot(fake: FakeMachine): Snapshot {
  const { machine, loader } = fake.open();
  const { deployments } = readAllRecords(machine.deployments);
  return {
    next: loader.entries().next,
    booted: machine.booted?.digest,
    numbers: deployments.map((deployment) => deployment.number),
    pinned: deployments.filter(({ pinned }) => pinned).map((deployment) => deployment.number),
  };
}

function check(fake: FakeMachine, before: Snapshot, done: Action): void {
  const { machine, loader } = fake.open();
  const records = readAllRecords(machine.deployments);
  const entries = loader.entries();
  const now = snapshot(fake);
  const said = JSON.stringify(done);
  assert.deepEqual(entries.problems, [], said);
  assert.notEqual(entries.next, undefined, `${said}: something starts`);
  // Collecting and pinning never change what starts or what runs; nothing but a boot changes what runs.
  if (done.do === "collect" || done.do === "pin") assert.equal(now.next, before.next, said);
  if (done.do !== "boot") assert.equal(now.booted, before.booted, said);
  for (const pinned of before.pinned)
    if (done.do !== "pin") assert.ok(now.numbers.includes(pinned), `${said}: pinned generation ${pinned} stays`);
  // Everything that has an entry, and what runs, is whole.
  const kept = new Set([...entries.all.map(({ digest }) => digest), ...(machine.booted === undefined ? [] : [machine.booted.digest])]);
  for (const digest of kept) {
    const path = (object: string): string => join(machine.store, "objects", object.slice(0, 2), object.slice(2));
    const image = readFileSync(path(digest));
    for (const { object } of objectsOfImage(image)) assert.ok(readFileSync(path(parseObjectId(object) ?? "")), said);
  }
  for (const { generation } of entries.all)
    assert.ok(
      records.deployments.some((deployment) => deployment.number === generation),
      `${said}: entry ${generation} has a record`,
    );
  const all = [...records.deployments, ...records.past.map(({ deployment }) => deployment)].map((deployment) => deployment.number);
  assert.equal(new Set(all).size, all.length, `${said}: no number is used twice`);
}
