import { locked } from "#deployment/lock.ts";
import { withStore } from "../context.ts";
import type { AgentContext, AgentResult } from "../context.ts";
import { refreshRecovery } from "../recovery.ts";

/** `ashlar recovery`, which runs by itself when a generation has become good. */
export async function recovery(context: AgentContext): Promise<AgentResult> {
  const generation = await locked(context, "recovery", () => withStore(context, async (store) => refreshRecovery(context, store)));
  return {
    json: { generation: generation ?? null },
    text:
      generation === undefined
        ? "The boot menu offers no recovery: the config of the newest good generation declares none."
        : `The boot menu's recovery starts generation ${generation}.`,
  };
}
