/**
 * The journal of an apply, /run/ashlar/apply.json: written before each step that changes the running system, and removed when
 * all is done. Whoever finds it puts everything back. In memory: after a restart there is nothing to put back.
 */
import { rmSync } from "node:fs";
import { integer, list, literal, optional, parsed, record, string } from "#formats/shape.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import { ACTIONS } from "../plan/rules.ts";
import { textIfThere } from "#sys/if-there.ts";

const JOURNAL = "/run/ashlar/apply.json";
const NAME_MAX = 256;
const UNITS_MAX = 4096;

const oneOf = <const T extends string>(values: readonly T[], what: string) =>
  parsed((text) => values.find((value) => value === text), what);
const names = list(string(NAME_MAX), UNITS_MAX);
const generation = integer(1, 999_999);
const slot = string(32, /^\d{1,6}(-\d{1,6})?$/);
const image = record({ generation: optional(generation), digest: string(64, /^[0-9a-f]{64}$/) });

const journalShape = record({
  version: literal(1),
  /** preparing: nothing is changed. switching: some of /etc and /usr. settling: all of it, and some of the units. */
  phase: oneOf(["preparing", "switching", "settling"], "a phase"),
  from: image,
  to: record({ generation, digest: string(64, /^[0-9a-f]{64}$/) }),
  /** Slots that lay over each path before; absent where what was started was seen. */
  before: record({ usr: optional(slot), etc: optional(slot) }),
  jobs: record({
    actions: list(oneOf(ACTIONS, "an action"), ACTIONS.length),
    stop: names,
    reload: names,
    restart: names,
    start: names,
  }),
  /** What was the next to start. */
  next: optional(generation),
});

export type ApplyJournal = ReturnType<typeof journalShape>;

export function writeJournal(journal: ApplyJournal): void {
  writeFileAtomic(JOURNAL, `${JSON.stringify(journal)}\n`, { mode: 0o600 });
}

/** Undefined when nothing was interrupted. @throws SyntaxError, ShapeError */
export function readJournal(): ApplyJournal | undefined {
  const text = textIfThere(JOURNAL);
  return text === undefined ? undefined : journalShape(JSON.parse(text), "");
}

export function removeJournal(): void {
  rmSync(JOURNAL, { force: true });
}
