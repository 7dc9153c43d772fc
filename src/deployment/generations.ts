/** The generations of a machine with all that is known of each: record, boot entry, trial, and whether it runs. */
import { hasErrno } from "#errors";
import type { ObjectId } from "#store/object.ts";
import type { Deployment } from "./deployment.ts";
import type { Entries, Entry } from "./loader.ts";
import type { Machine } from "./machine.ts";
import type { Records } from "./records.ts";
import { generationNumberOf } from "./running.ts";
import { trialOf } from "./trial.ts";
import type { TrialState } from "./trial.ts";
import { readTrials } from "./trials.ts";
import type { Trials } from "./trials.ts";

/** The state of a trial in one word, as `status` prints it; none: no boot entry. */
export type Trial = "good" | "trial" | "failed" | "none" | "unknown";

export interface Generation {
  readonly number: number;
  readonly deployment: Deployment;
  readonly entry: Entry | undefined;
  /** Undefined when the ESP may not be read. */
  readonly state: TrialState | undefined;
  readonly trial: Trial;
  readonly booted: boolean;
  /** What processes see: the booted one, or one that was applied without a restart. */
  readonly running: boolean;
  /** Starts at the next boot. */
  readonly next: boolean;
}

const WORDS = { new: "none", trying: "trial", good: "good", bad: "failed" } as const;

/**
 * Joins records, entries and the journal of trials, by rising number.
 * @param entries undefined when the ESP may not be read: trials are unknown then
 */
export function generationsOf(machine: Machine, records: Records, entries: Entries | undefined): Generation[] {
  const booted = generationNumberOf(machine.booted, records);
  const running = generationNumberOf(machine.running, records);
  const { denied } = readableTrials(machine);
  return records.deployments.map((deployment) => {
    const { number } = deployment;
    const entry = entries?.all.find(({ generation }) => generation === number);
    const facts = {
      entry,
      booted: number === booted,
      judged: denied.some(({ generation }) => generation === number),
      denied: denied.some(({ image }) => image === deployment.image.digest),
    };
    const state = entries === undefined ? undefined : trialOf(facts);
    // An interrupted staging has no entry, whatever is known of its image.
    const trial = state === undefined ? "unknown" : entry === undefined ? "none" : WORDS[state.is];
    const next = entries !== undefined && number === entries.next;
    return { number, deployment, entry, state, trial, booted: facts.booted, running: number === running, next };
  });
}

/** What the trials of all generations of one image, also collected ones, come to. */
export interface ImageTrial {
  readonly state: TrialState;
  /** The generation that says so; undefined when the image is new here. */
  readonly generation: number | undefined;
}

/** The best that a generation of an image has reached; that of a collected one is in the journal. */
export function trialOfImage(machine: Machine, records: Records, entries: Entries, image: ObjectId): ImageTrial {
  const same = generationsOf(machine, records, entries).filter(({ deployment }) => deployment.image.digest === image);
  const whole = same.findLast(({ state }) => state?.is === "good") ?? same.findLast(({ state }) => state?.is === "trying");
  if (whole?.state !== undefined) return { state: whole.state, generation: whole.number };
  const bad =
    same.findLast(({ state, entry }) => state?.is === "bad" && entry !== undefined)?.number ??
    readTrials(machine).trials.denied.findLast((verdict) => verdict.image === image)?.generation ??
    records.past.findLast(({ deployment, why }) => why === "failed" && deployment.image.digest === image)?.deployment.number;
  return bad === undefined ? { state: { is: "new" }, generation: undefined } : { state: { is: "bad" }, generation: bad };
}

/** Ordinary users may not read the journal; entries tell them enough. */
function readableTrials(machine: Machine): Trials {
  try {
    return readTrials(machine).trials;
  } catch (error) {
    if (hasErrno(error, "EACCES")) return { version: 1, denied: [] };
    throw error;
  }
}
