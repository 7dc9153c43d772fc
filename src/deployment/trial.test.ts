import assert from "node:assert/strict";
import { test } from "node:test";
import { isStartable, transition, trialOf } from "./trial.ts";
import type { TrialEvent, TrialState } from "./trial.ts";

const trying = (left: number): TrialState => ({ is: "trying", left });
const facts = (tries: number | undefined, more = {}) => ({
  entry: tries === undefined ? {} : { tries: { left: tries } },
  booted: false,
  judged: false,
  denied: false,
  ...more,
});

test("the state is read from the entry's name", () => {
  assert.deepEqual(trialOf(facts(undefined)), { is: "good" });
  assert.deepEqual(trialOf(facts(3)), trying(3));
  assert.deepEqual(trialOf(facts(0)), { is: "bad" });
  assert.deepEqual(trialOf({ ...facts(3), entry: undefined }), { is: "new" });
});

test("what runs on its last try is not over until it is judged", () => {
  assert.deepEqual(trialOf(facts(0, { booted: true })), trying(0));
  assert.deepEqual(trialOf(facts(0, { booted: true, judged: true })), { is: "bad" });
});

test("an image that is denied is bad while it has no entry, and is judged anew when it is tried again", () => {
  assert.deepEqual(trialOf({ ...facts(0, { denied: true }), entry: undefined }), { is: "bad" });
  assert.deepEqual(trialOf(facts(3, { denied: true })), trying(3));
});

test("a new generation is tried, counted down, and blessed", () => {
  const staged = transition({ is: "new" }, "stage", 2);
  assert.deepEqual(staged, { state: trying(2), effects: ["install"] });
  const started = transition(staged.state, "start");
  assert.deepEqual(started, { state: trying(1), effects: [] });
  assert.deepEqual(transition(started.state, "bless"), { state: { is: "good" }, effects: ["uncount", "forgive"] });
  assert.deepEqual(transition(trying(0), "start").state, trying(0));
});

test("a condemned one is marked before it is written down, is refused from then on, and only a person can try it again", () => {
  const { state, effects } = transition(trying(2), "condemn");
  assert.deepEqual([state, effects], [{ is: "bad" }, ["exhaust", "deny"]]);
  for (const event of ["stage", "return"] as const) assert.equal(transition(state, event).refused, true);
  assert.deepEqual(transition(state, "retry", 3), { state: trying(3), effects: ["install"] });
});

test("a good one is never condemned: going back by itself could lose what was written since", () => {
  assert.deepEqual(transition({ is: "good" }, "condemn"), { state: { is: "good" }, effects: [], refused: true });
});

test("no event but a person's makes a bad one startable, and none makes a good one bad", () => {
  const states: TrialState[] = [{ is: "new" }, trying(0), trying(1), { is: "good" }, { is: "bad" }];
  const events: TrialEvent[] = ["stage", "retry", "return", "start", "bless", "condemn", "settle", "collect"];
  for (const state of states)
    for (const event of events) {
      const after = transition(state, event, 1).state;
      if (state.is === "bad" && event !== "retry" && event !== "bless") assert.equal(isStartable(after), false, event);
      if (state.is === "good" && event !== "collect") assert.deepEqual(after, { is: "good" }, event);
    }
});
