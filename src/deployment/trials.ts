/**
 * The journal of trials: which images turned out bad on this machine, and why; `ashlar/trials.json` of the physical root.
 * docs/formats/trials.md is normative. It holds lines of the machine's log, so only root may read it.
 */
import { readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { hasErrno, messageOf } from "#errors";
import { canonicalJson } from "#formats/canonical-json.ts";
import { ShapeError, boolean, integer, list, literal, optional, record, string } from "#formats/shape.ts";
import type { ObjectId } from "#store/object.ts";
import { objectIdShape } from "#store/shape.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import type { Machine } from "./machine.ts";

export interface FailedProbe {
  /** "unit", "command", "http" … */
  readonly kind: string;
  readonly name: string;
  readonly reason: string;
  /** Milliseconds. */
  readonly duration: number;
  /** The last lines that it printed. */
  readonly output?: string;
}

/** Why a generation is bad. */
export interface Verdict {
  readonly generation: number;
  readonly image: ObjectId;
  /** Of the release it came from. */
  readonly sequence?: number;
  /** One line. */
  readonly reason: string;
  readonly probes: readonly FailedProbe[];
  /** Lines of the machine's log from that start. */
  readonly log: readonly string[];
  /** Seconds since 1970. */
  readonly when: number;
  /** A good generation that failed the same probe afterwards: then it is not the image. */
  readonly alsoFailed?: number;
}

/** The running generation does not pass its probes, and stays. */
export interface Degraded {
  readonly generation: number;
  /** Id of the start in which it was seen. */
  readonly boot: string;
  readonly probes: readonly FailedProbe[];
  /** It is bad itself, and there is no other one to start. */
  readonly alone: boolean;
  readonly when: number;
}

export interface Trials {
  readonly version: 1;
  /** By time. The images in it are not staged again by themselves. */
  readonly denied: readonly Verdict[];
  readonly degraded?: Degraded;
}

/** A full journal stays small: {@link DENIED_MAX} verdicts of at most 160 kB, some kilobytes each in practice. */
const TEXT_MAX = 2000;
const LOG_MAX = 40;
const LINE_MAX = 500;
const PROBES_MAX = 32;
/** The oldest verdicts make room for new ones. */
const DENIED_MAX = 32;
const JOURNAL_MAX = 8 * 1024 * 1024;
const NUMBER_MAX = 999_999;

const probeShape = record({
  kind: string(32),
  name: string(TEXT_MAX),
  reason: string(TEXT_MAX),
  duration: integer(0),
  output: optional(string(TEXT_MAX)),
});

const trialsShape = record({
  version: literal(1),
  denied: list(
    record({
      generation: integer(1, NUMBER_MAX),
      image: objectIdShape,
      sequence: optional(integer(1)),
      reason: string(TEXT_MAX),
      probes: list(probeShape, PROBES_MAX),
      log: list(string(LINE_MAX), LOG_MAX),
      when: integer(0),
      alsoFailed: optional(integer(1, NUMBER_MAX)),
    }),
    DENIED_MAX,
  ),
  degraded: optional(
    record({
      generation: integer(1, NUMBER_MAX),
      boot: string(64),
      probes: list(probeShape, PROBES_MAX),
      alone: boolean,
      when: integer(0),
    }),
  ),
});

const NONE: Trials = { version: 1, denied: [] };

export interface ReadTrials {
  readonly trials: Trials;
  /** Why there is less in it than there should be. */
  readonly problem?: string;
}

/**
 * Reads the journal. A damaged one counts as empty: it only advises, and nobody must be kept from going back by it.
 * @throws system errors other than a missing file, such as EACCES for ordinary users
 */
export function readTrials(machine: Machine): ReadTrials {
  const path = pathOf(machine);
  try {
    if (statSync(path).size > JOURNAL_MAX) throw new ShapeError(`it is larger than ${JOURNAL_MAX} bytes`);
    return { trials: trialsShape(JSON.parse(readFileSync(path, "utf8")), "") };
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return { trials: NONE };
    if (!(error instanceof SyntaxError || error instanceof ShapeError)) throw error;
    return { trials: NONE, problem: `${path} cannot be read: ${messageOf(error)}` };
  }
}

/**
 * Writes the journal durably; nothing is written when it says nothing new. Hold the machine's lock.
 * A damaged one is kept beside it.
 */
export function writeTrials(machine: Machine, trials: Trials): void {
  const path = pathOf(machine);
  const { trials: before, problem } = readTrials(machine);
  const text = canonicalJson({ ...trials, denied: trials.denied.slice(-DENIED_MAX) });
  if (problem === undefined && canonicalJson(before) === text) return;
  if (problem !== undefined) renameSync(path, `${path}.damaged`);
  writeFileAtomic(path, `${text}\n`, { mode: 0o600 });
}

/** Puts a verdict on the deny list; one of the same generation gives way. Texts are cut to what the journal holds. */
export function deny(trials: Trials, verdict: Verdict): Trials {
  const others = trials.denied.filter(({ generation }) => generation !== verdict.generation);
  const log = verdict.log.slice(-LOG_MAX).map((line) => line.slice(0, LINE_MAX));
  return { ...trials, denied: [...others, { ...verdict, log, probes: short(verdict.probes), reason: verdict.reason.slice(0, TEXT_MAX) }] };
}

/** Takes an image off the deny list. */
export function forgive(trials: Trials, image: ObjectId): Trials {
  return { ...trials, denied: trials.denied.filter((verdict) => verdict.image !== image) };
}

/** Says that the running generation is degraded, or with undefined that it is not. */
export function withDegraded(trials: Trials, degraded: Degraded | undefined): Trials {
  const { degraded: _before, ...rest } = trials;
  return degraded === undefined ? rest : { ...rest, degraded: { ...degraded, probes: short(degraded.probes) } };
}

function short(probes: readonly FailedProbe[]): FailedProbe[] {
  return probes.slice(0, PROBES_MAX).map((probe) => ({
    ...probe,
    reason: probe.reason.slice(0, TEXT_MAX),
    ...(probe.output === undefined ? {} : { output: probe.output.slice(-TEXT_MAX) }),
  }));
}

function pathOf(machine: Machine): string {
  return join(machine.sysroot, "ashlar/trials.json");
}
