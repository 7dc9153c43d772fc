import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { scratch } from "../../test/support/release-fixture.ts";
import { parseObjectId } from "../store/object.ts";
import { openMachine } from "./machine.ts";
import type { Machine } from "./machine.ts";
import { deny, forgive, readTrials, withDegraded, writeTrials } from "./trials.ts";
import type { Trials, Verdict } from "./trials.ts";

const home = scratch();
after(() => home[Symbol.dispose]());

let machines = 0;
function emptyMachine(): Machine {
  const root = join(home.path, `machine-${++machines}`);
  mkdirSync(join(root, "sysroot/ashlar"), { recursive: true });
  return openMachine(root);
}

const image = (byte: string): Verdict["image"] => {
  const id = parseObjectId(byte.repeat(32));
  assert.ok(id !== undefined);
  return id;
};
const verdict = (generation: number, more: Partial<Verdict> = {}): Verdict => ({
  generation,
  image: image("ab"),
  reason: "page: exit code 7",
  probes: [{ kind: "command", name: "page", reason: "exit code 7", duration: 12, output: "refused" }],
  log: ["[1.0] nginx: cannot bind"],
  when: 1_700_000_000,
  ...more,
});
const EMPTY: Trials = { version: 1, denied: [] };

test("what is written is read again, and nobody but root may read it", () => {
  const machine = emptyMachine();
  assert.deepEqual(readTrials(machine), { trials: EMPTY });
  const degraded = { generation: 1, boot: "b", probes: [], alone: false, when: 5 };
  const trials = withDegraded(deny(EMPTY, verdict(2, { sequence: 7, alsoFailed: 1 })), degraded);
  writeTrials(machine, trials);
  assert.deepEqual(readTrials(machine).trials, trials);
  assert.equal(statSync(join(machine.sysroot, "ashlar/trials.json")).mode & 0o777, 0o600);
  assert.deepEqual(withDegraded(trials, undefined).degraded, undefined);
});

test("the oldest of many verdicts go, and long texts are cut", () => {
  const machine = emptyMachine();
  let trials = EMPTY;
  for (let generation = 1; generation <= 40; generation++)
    trials = deny(trials, verdict(generation, { log: Array.from({ length: 500 }, () => "x".repeat(20_000)) }));
  writeTrials(machine, trials);
  const { denied } = readTrials(machine).trials;
  assert.deepEqual([denied.length, denied[0]?.generation, denied.at(-1)?.generation], [32, 9, 40]);
  assert.deepEqual([denied[0]?.log.length, denied[0]?.log[0]?.length], [40, 500]);
});

test("an image is forgiven with all its verdicts; a generation has one verdict", () => {
  const trials = deny(deny(deny(EMPTY, verdict(2)), verdict(3)), verdict(4, { image: image("cd") }));
  assert.deepEqual(
    forgive(trials, image("ab")).denied.map(({ generation }) => generation),
    [4],
  );
  assert.equal(deny(trials, verdict(3, { reason: "again" })).denied.filter(({ generation }) => generation === 3).length, 1);
});

test("a damaged journal counts as empty, says so, and is kept aside when a new one is written", () => {
  const machine = emptyMachine();
  const path = join(machine.sysroot, "ashlar/trials.json");
  for (const damaged of ["{", `{"denied":[],"version":2}`, `{"denied":[{"generation":0}],"version":1}`]) {
    writeFileSync(path, damaged);
    const { trials, problem } = readTrials(machine);
    assert.deepEqual(trials, EMPTY);
    assert.match(problem ?? "", /trials\.json cannot be read: /);
    writeTrials(machine, deny(trials, verdict(2)));
    assert.equal(readFileSync(`${path}.damaged`, "utf8"), damaged);
    assert.equal(readTrials(machine).problem, undefined);
  }
});

test("nothing is written when there is nothing to say", () => {
  const machine = emptyMachine();
  writeTrials(machine, EMPTY);
  assert.equal(existsSync(join(machine.sysroot, "ashlar/trials.json")), false);
});
