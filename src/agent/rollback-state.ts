/** Before a rollback: whether the services' data is one that the target can read (src/state/rollback.ts). */
import type { Generation } from "#deployment/generations.ts";
import { AshlarError } from "#errors";
import { prepareReturn } from "#state/rollback.ts";
import type { StateChoice, StateReturn } from "#state/rollback.ts";
import { imageRoot } from "#state/root-reader.ts";
import { readSchemas } from "#state/schemas.ts";
import { readSystem } from "#state/system-of.ts";
import { withStore } from "./context.ts";
import type { AgentContext } from "./context.ts";

/** @throws E_STATE_TOO_NEW, E_STATE_NONE; nothing was changed then */
export async function prepareState(context: AgentContext, target: Generation, choice: StateChoice | undefined): Promise<StateReturn[]> {
  // Most machines have no such data: going back needs no more than the boot entries then.
  if (Object.keys(readSchemas(context.machine)).length === 0) return [];
  const system = await withStore(context, async (store) => {
    try {
      return readSystem(imageRoot(store, target.deployment.image.digest));
    } catch (error) {
      // Its own start compares the versions once more; a damaged image is reported there and by `fsck`.
      if (error instanceof AshlarError && /^E_(STORE|EROFS)_/.test(error.code)) return undefined;
      throw error;
    }
  });
  return system === undefined ? [] : prepareReturn(context.machine, system, choice);
}
