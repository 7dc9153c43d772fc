import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { ObjectId } from "#store/object.ts";
import type { Generation } from "./generations.ts";
import { retained } from "./retention.ts";
import type { TrialState } from "./trial.ts";

const DAY = 86_400;
const rules = { count: 2, installed: false, now: 100 * DAY };

interface Sketch {
  readonly number: number;
  readonly activation?: number;
  readonly is?: TrialState["is"];
  readonly booted?: boolean;
  /** Applied to the running system; what was booted runs when absent. */
  readonly applied?: boolean;
  readonly next?: boolean;
  readonly pinned?: boolean;
  readonly origin?: string;
  /** Days at which it was staged. */
  readonly day?: number;
}

function generation({
  number,
  activation = number,
  is = "good",
  booted = false,
  applied = false,
  next = false,
  pinned = false,
  origin = "x",
  day = 99,
}: Sketch): Generation {
  const digest = String(number).padStart(64, "0") as ObjectId;
  const state: TrialState = is === "trying" ? { is, left: 1 } : { is };
  return {
    number,
    deployment: { number, pinned, origin, created: day * DAY, image: { digest } } as Generation["deployment"],
    entry: is === "new" ? undefined : { generation: number, activation, digest },
    state,
    trial: "good",
    booted,
    running: applied,
    next,
  };
}

const kept = (sketches: readonly Sketch[], more: Partial<Parameters<typeof retained>[1]> = {}, also?: Parameters<typeof retained>[2]) =>
  Object.fromEntries(retained(sketches.map(generation), { ...rules, ...more }, also));
const six = [1, 2, 3, 4, 5].map((number) => ({ number })).concat([{ number: 6, booted: true, next: true } as Sketch]);

test("what runs and one to go back to stay, however little the config wants", () => {
  assert.deepEqual(kept(six, { count: 1, days: 1, now: 1000 * DAY }), { 5: "good", 6: "running" });
});

test("what was applied without a restart stays, whatever the loader does with it", () => {
  assert.equal(kept([{ number: 1, applied: true, is: "bad" }, ...six.slice(1)], { count: 1 })[1], "running");
});

test("the count is of the newest by activation, not by number", () => {
  assert.deepEqual(kept([{ number: 1, activation: 9 }, ...six.slice(1)], { count: 3 }), { 1: "good", 5: "newest", 6: "running" });
});

test("what is older than the config wants goes, within the count", () => {
  const aged = six.map((sketch) => ({ ...sketch, day: 90 + sketch.number }));
  assert.deepEqual(Object.keys(kept(aged, { count: 5, days: 7 })), ["3", "4", "5", "6"]);
});

test("pinned, staged, named by a recovery entry, and installed ones stay", () => {
  const sketches: Sketch[] = [{ number: 1, origin: "disk" }, { number: 2, pinned: true }, ...six.slice(2), { number: 7, is: "new" }];
  const staging = String(7).padStart(64, "0") as ObjectId;
  assert.deepEqual(kept(sketches, { installed: true }, { staging, recovery: [3] }), {
    1: "installed",
    2: "pinned",
    3: "failsafe",
    5: "good",
    6: "running",
    7: "being staged",
  });
  assert.equal(kept(sketches)[1], undefined);
});

test("two good ones stay whatever is said, when there are two", () => {
  const sketch = fc.record({
    number: fc.integer({ min: 1, max: 30 }),
    activation: fc.integer({ min: 1, max: 30 }),
    is: fc.constantFrom("new", "trying", "good", "bad"),
    day: fc.integer({ min: 0, max: 100 }),
  });
  fc.assert(
    fc.property(
      fc.uniqueArray(sketch, { selector: ({ number }) => number, maxLength: 8 }),
      fc.record({ count: fc.integer({ min: 1, max: 4 }), days: fc.integer({ min: 1, max: 50 }) }),
      (sketches, { count, days }) => {
        const left = new Set(retained(sketches.map(generation), { ...rules, count, days }).keys());
        const good = sketches.filter(({ is }) => is === "good");
        assert.ok(good.filter(({ number }) => left.has(number)).length >= Math.min(2, good.length));
      },
    ),
  );
});
