/** Going back: one number in one boot entry is rewritten in place. No payload, no network, no free space is needed. */
import { AshlarError } from "#errors";
import type { DeploymentErrorCode } from "./errors.ts";
import { generationsOf } from "./generations.ts";
import type { Generation } from "./generations.ts";
import type { Entries, Loader } from "./loader.ts";
import type { Machine } from "./machine.ts";
import { readRecords } from "./records.ts";
import type { Records } from "./records.ts";
import { isStartable, transition } from "./trial.ts";

export interface RollbackResult {
  readonly generation: number;
  /** False when it was the next to start already. */
  readonly changed: boolean;
  /** True when a restart is needed to get there. */
  readonly restart: boolean;
}

/**
 * Makes another generation the next to start. Without a number: the one that runs, when another was going to be next;
 * else the one that was active before it. Hold the machine's lock.
 * @throws E_ROLLBACK_NONE, E_GENERATION_UNKNOWN, E_GENERATION_FAILED, E_GENERATION_INCOMPLETE
 */
export function rollback(machine: Machine, loader: Loader, number?: number): RollbackResult {
  const target = rollbackTarget(machine, loader, number);
  if (!target.next) loader.activate(target.number, loader.entries().activation + 1);
  return { generation: target.number, changed: !target.next, restart: !target.booted };
}

/** Where {@link rollback} would go. @throws as it does */
export function rollbackTarget(machine: Machine, loader: Loader, number?: number): Generation {
  // A damaged record of another generation must not keep anybody from going back.
  const records = readRecords(machine.deployments);
  const entries = loader.entries();
  const generations = generationsOf(machine, records, entries);
  return number === undefined ? previousOf(generations, entries) : chosen(generations, records, number);
}

function previousOf(generations: readonly Generation[], entries: Entries): Generation {
  const startable = generations.filter(({ state }) => state !== undefined && isStartable(state));
  const booted = startable.find((generation) => generation.booted);
  if (booted !== undefined && !booted.next) return booted;
  const candidates = startable.filter((generation) => !generation.booted && !generation.next);
  const best = candidates.reduce<Generation | undefined>(
    (newest, next) => ((next.entry?.activation ?? 0) > (newest?.entry?.activation ?? -1) ? next : newest),
    undefined,
  );
  if (best !== undefined) return best;
  throw new AshlarError<DeploymentErrorCode>("E_ROLLBACK_NONE", "this machine has no other generation that can start", {
    hint: "`ashlar generations` lists those there are; `ashlar upgrade` brings a newer one",
    details: { generations: entries.all.map(({ generation }) => generation) },
  });
}

function chosen(generations: readonly Generation[], records: Records, number: number): Generation {
  const found = generations.find((generation) => generation.number === number);
  if (found === undefined) {
    const gone = records.past.some(({ deployment }) => deployment.number === number);
    throw new AshlarError<DeploymentErrorCode>(
      "E_GENERATION_UNKNOWN",
      `generation ${number} ${gone ? "was collected" : "does not exist"} on this machine`,
      { hint: "`ashlar generations` lists those there are", details: { generation: number } },
    );
  }
  if (found.entry !== undefined && found.state !== undefined && !isStartable(found.state))
    throw new AshlarError<DeploymentErrorCode>(
      "E_GENERATION_FAILED",
      found.state.is === "bad"
        ? `generation ${number} failed its trial, so the boot loader skips it`
        : `generation ${number} runs on its last try, so the boot loader skips it until it is marked good`,
      {
        hint: "`ashlar why-failed` says why; `ashlar upgrade --retry` puts the newest release on trial again; `ashlar generations` shows the good ones",
        details: { generation: number },
      },
    );
  if (found.state === undefined || transition(found.state, "return").refused === true)
    throw new AshlarError<DeploymentErrorCode>(
      "E_GENERATION_INCOMPLETE",
      `generation ${number} has no boot entry: its staging was interrupted`,
      {
        hint: "`ashlar upgrade` completes it, `ashlar collect` removes it",
        details: { generation: number },
      },
    );
  return found;
}
