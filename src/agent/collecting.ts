/** Collecting as the config wants it, with what hangs on generations: the menu's recovery entries, and copies of services' data. */
import type { System } from "#config/system.ts";
import { collect } from "#deployment/collect.ts";
import type { CollectOptions, CollectResult } from "#deployment/collect.ts";
import { generationsOf } from "#deployment/generations.ts";
import { readAllRecords } from "#deployment/records.ts";
import { retained } from "#deployment/retention.ts";
import type { RetentionRules } from "#deployment/retention.ts";
import { pruneSnapshots } from "#state/snapshots.ts";
import type { Store } from "#store/store.ts";
import { systemOf } from "./context.ts";
import type { AgentContext } from "./context.ts";
import { refreshRecovery } from "./recovery.ts";
import { downloadedRelease } from "./updates/downloaded.ts";

export interface Collected extends CollectResult {
  /** Bytes of copies of services' data that no generation needs any more. */
  readonly snapshotBytes: number;
}

/** What `updates.retention` of the running System says. */
function retentionRules({ updates }: System, now: number): RetentionRules {
  return { ...updates.retention, now };
}

/**
 * Hold the machine's lock.
 * @throws what `collect` of the deployment stage throws
 */
export async function collectGenerations(
  context: AgentContext,
  store: Store,
  options: Omit<CollectOptions, "rules"> = {},
): Promise<Collected> {
  const { machine, loader } = context;
  if (options.dryRun !== true) refreshRecovery(context, store);
  const rules = retentionRules(systemOf(machine), context.now());
  // What was fetched ahead stays, unless another release is on its way.
  const staging = options.staging ?? downloadedRelease(store);
  const result = await collect({ machine, loader, store }, { ...options, rules, ...(staging === undefined ? {} : { staging }) });
  // Going back to the installed generation is a reset, which asks for no copies.
  const numbers = result.kept.flatMap(({ generation, why }) => (why === "installed" ? [] : [generation]));
  const snapshotBytes = options.dryRun === true ? 0 : pruneSnapshots(machine, numbers);
  return { ...result, snapshotBytes };
}

/** Old generations go before the new one needs their space; most times there are none to remove, and no object is looked at. */
export async function makeRoom(context: AgentContext, store: Store, staging: NonNullable<CollectOptions["staging"]>): Promise<void> {
  const { machine, loader } = context;
  refreshRecovery(context, store);
  const generations = generationsOf(machine, readAllRecords(machine.deployments), loader.entries());
  const rules = retentionRules(systemOf(machine), context.now());
  if (retained(generations, rules, { staging: staging.image }).size < generations.length)
    await collectGenerations(context, store, { staging });
}
