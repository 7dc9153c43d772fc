/**
 * Brings the journal up to what the boot entries say: a start that never came to its probes leaves nothing but a counter
 * that ran out, and a generation that is good after all is denied no longer.
 */
import { generationsOf } from "./generations.ts";
import type { Generation } from "./generations.ts";
import type { Loader } from "./loader.ts";
import type { Machine } from "./machine.ts";
import { readRecords, settleRecord } from "./records.ts";
import { transition } from "./trial.ts";
import { identity } from "./trial-judge.ts";
import type { Finding } from "./trial-judge.ts";
import { deny, forgive, readTrials, writeTrials } from "./trials.ts";

/**
 * Hold the machine's lock.
 * @param explain finds out why a generation ended without a verdict; called once for each
 * @returns generations that are on the deny list since now
 */
export async function settle(
  { machine, loader }: { readonly machine: Machine; readonly loader: Loader },
  explain: (generation: Generation) => Promise<Finding>,
): Promise<number[]> {
  const records = readRecords(machine.deployments);
  const learned: number[] = [];
  let { trials } = readTrials(machine);
  for (const generation of generationsOf(machine, records, loader.entries())) {
    if (generation.state === undefined || generation.entry === undefined) continue;
    const { effects } = transition(generation.state, "settle");
    if (effects.includes("forgive")) trials = forgive(trials, generation.deployment.image.digest);
    if (!effects.includes("deny") || trials.denied.some((verdict) => verdict.generation === generation.number)) continue;
    trials = deny(trials, { ...identity(generation), ...(await explain(generation)) });
    learned.push(generation.number);
  }
  // What was collected while the disk was full.
  const unwritten = records.past.filter(({ why }) => why === "failed");
  for (const { deployment } of unwritten) {
    if (trials.denied.some(({ image }) => image === deployment.image.digest)) continue;
    const { number, image, sequence } = deployment;
    const finding = { reason: "it failed its trial; why was not written down", probes: [], log: [], when: deployment.created };
    trials = deny(trials, { generation: number, image: image.digest, ...(sequence === undefined ? {} : { sequence }), ...finding });
    learned.push(number);
  }
  writeTrials(machine, trials);
  for (const { deployment } of unwritten) settleRecord(machine.deployments, deployment.number);
  return learned;
}
