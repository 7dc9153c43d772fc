/** Keeps the boot menu's Failsafe and Factory reset entries on the newest generation that is known to be good. */
import { offerRecovery, recoveryKinds } from "#boot/recovery.ts";
import { generationsOf } from "#deployment/generations.ts";
import { readAllRecords } from "#deployment/records.ts";
import { AshlarError, hasErrno } from "#errors";
import { imageRoot } from "#state/root-reader.ts";
import { readSystem } from "#state/system-of.ts";
import type { Store } from "#store/store.ts";
import type { AgentContext } from "./context.ts";

/**
 * Writes the entries that the good generation's own config wants, if they are not there already. On a full ESP the old ones
 * stay, and so does what they start. Hold the machine's lock.
 * @returns the generation that they start; undefined when there are none
 */
export function refreshRecovery({ machine, loader }: AgentContext, store: Store): number | undefined {
  const entries = loader.entries();
  const good = generationsOf(machine, readAllRecords(machine.deployments), entries)
    .filter(({ state }) => state?.is === "good")
    .sort((a, b) => (b.entry?.activation ?? 0) - (a.entry?.activation ?? 0));
  const [newest] = good;
  if (newest === undefined) return entries.recovery[0]?.generation;
  const isThere = entries.recovery.length > 0 && entries.recovery.every(({ digest }) => digest === newest.deployment.image.digest);
  if (isThere) return newest.number;
  try {
    const system = readSystem(imageRoot(store, newest.deployment.image.digest));
    // An image of an older Ashlar does not know how to start so.
    const kinds = system === undefined ? [] : recoveryKinds(system.boot);
    offerRecovery(loader.esp, newest.number, kinds);
    return kinds.length === 0 ? undefined : newest.number;
  } catch (error) {
    // A damaged image is what an upgrade repairs; it must not be stopped by it.
    const isDamaged = error instanceof AshlarError && /^E_(STORE|EROFS)_/.test(error.code);
    if (!isDamaged && !hasErrno(error, "ENOSPC")) throw error;
    return entries.recovery[0]?.generation;
  }
}
