/**
 * The verdict on the generation that runs. Marking the entry comes first: it needs no free block, and from then on the
 * boot loader passes over a bad generation, whatever becomes of the journal.
 */
import { bootIdOf } from "./boot-id.ts";
import { generationsOf } from "./generations.ts";
import type { Generation } from "./generations.ts";
import type { Loader } from "./loader.ts";
import type { Machine } from "./machine.ts";
import { readRecords } from "./records.ts";
import { isStartable, transition } from "./trial.ts";
import { deny, forgive, readTrials, withDegraded, writeTrials } from "./trials.ts";
import type { FailedProbe, Trials } from "./trials.ts";

export interface Finding {
  /** One line. */
  readonly reason: string;
  readonly probes: readonly FailedProbe[];
  /** Lines of the machine's log. */
  readonly log: readonly string[];
  /** Seconds since 1970. */
  readonly when: number;
}

export interface Judgement {
  /**
   * bad: its trial is over. degraded: it is good, so it stays. none: it is no generation of this machine.
   */
  readonly outcome: "bad" | "degraded" | "none";
  readonly generation: number | undefined;
  /** What starts next, when it is another generation that may start by itself. */
  readonly next: number | undefined;
  /** A bad generation that had failed the same probe: then the reason is not in an image. */
  readonly sameAs: number | undefined;
}

interface Context {
  readonly machine: Machine;
  readonly loader: Loader;
}

/**
 * The running generation does not work. On trial, it is marked bad, and the one before it starts next; a good one stays,
 * and `status` says that it is degraded. Hold the machine's lock.
 * @throws system errors of the journal, such as ENOSPC; the entry is marked before
 */
export function condemn({ machine, loader }: Context, finding: Finding): Judgement {
  const generations = generationsOf(machine, readRecords(machine.deployments), loader.entries());
  const running = generations.find(({ booted }) => booted);
  if (running?.state === undefined) return { outcome: "none", generation: undefined, next: undefined, sameAs: undefined };
  const { effects, refused } = transition(running.state, "condemn");
  if (effects.includes("exhaust")) loader.exhaust(running.number);
  const next = nextBesides(running, generations, loader);
  const { trials } = readTrials(machine);
  const before = trials.denied.at(-1);
  const same = refused === true && before !== undefined && sharesProbe(before.probes, finding.probes) ? before.generation : undefined;
  const learned = effects.includes("deny") ? deny(trials, { ...identity(running), ...finding }) : alsoFailed(trials, same, running.number);
  // A bad one that another replaces is about to be gone; a good one without a failed probe is only somebody's opinion.
  const stays = refused === true ? finding.probes.length > 0 : next === undefined;
  const degraded = stays
    ? { generation: running.number, boot: bootIdOf(machine), probes: finding.probes, alone: refused !== true, when: finding.when }
    : undefined;
  writeTrials(machine, withDegraded(learned, degraded));
  return { outcome: refused === true ? "degraded" : "bad", generation: running.number, next, sameAs: same };
}

/**
 * The running generation works. When the boot loader counted its start, systemd-bless-boot takes the counter away; after a
 * change that was applied without a restart nobody else does. Hold the machine's lock.
 * @param options.uncount mark the entry good, too
 */
export function bless({ machine, loader }: Context, options: { readonly uncount: boolean }): void {
  const running = generationsOf(machine, readRecords(machine.deployments), loader.entries()).find(({ booted }) => booted);
  if (running?.state === undefined) return;
  const { effects } = transition(running.state, "bless");
  if (options.uncount && effects.includes("uncount")) loader.uncount(running.number);
  const { trials } = readTrials(machine);
  const forgiven = effects.includes("forgive") ? forgive(trials, running.deployment.image.digest) : trials;
  writeTrials(machine, withDegraded(forgiven, undefined));
}

/** What a verdict says of a generation besides why. */
export function identity({ number, deployment }: Generation): {
  readonly generation: number;
  readonly image: Generation["deployment"]["image"]["digest"];
  readonly sequence?: number;
} {
  const { sequence } = deployment;
  return { generation: number, image: deployment.image.digest, ...(sequence === undefined ? {} : { sequence }) };
}

function nextBesides(running: Generation, generations: readonly Generation[], loader: Loader): number | undefined {
  const { next } = loader.entries();
  const found = generations.find(({ number }) => number === next);
  return found?.state === undefined || found.number === running.number || !isStartable(found.state) ? undefined : found.number;
}

function sharesProbe(some: readonly FailedProbe[], others: readonly FailedProbe[]): boolean {
  return some.some(({ kind, name }) => others.some((other) => other.kind === kind && other.name === name));
}

function alsoFailed(trials: Trials, bad: number | undefined, good: number): Trials {
  const denied = trials.denied.map((verdict) => (verdict.generation === bad ? { ...verdict, alsoFailed: good } : verdict));
  return { ...trials, denied };
}
