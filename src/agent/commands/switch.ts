/** `ashlar switch`: another source, now and from now on. */
import { resolve } from "node:path";
import { locked } from "#deployment/lock.ts";
import type { AgentContext, AgentResult } from "../context.ts";
import { followSource, unfollowSource } from "../updates/followed.ts";
import { upgrade } from "./upgrade.ts";

/** Upgrades from a source, and follows it once it has shown a release that this machine takes. */
export async function switchSource(
  context: AgentContext,
  source: string,
  options: { readonly retry: boolean; readonly reboot: boolean; readonly unsafeUnsigned: boolean },
): Promise<AgentResult> {
  const address = /^[a-z+]+:\/\//i.test(source) ? source : resolve(source);
  const upgraded = await upgrade(context, { ...options, from: address, accepted: () => followSource(context.machine, address) });
  if (upgraded.exitCode !== undefined) return upgraded;
  return {
    ...upgraded,
    json: { ...upgraded.json, follows: address },
    text: `${upgraded.text}\nUpgrades come from ${address} from now on.`,
  };
}

/** `ashlar switch --reset` */
export async function resetSource(context: AgentContext): Promise<AgentResult> {
  return locked(context, "switch --reset", async () => {
    const changed = unfollowSource(context.machine);
    return { json: { changed }, text: "Upgrades come from where the config says." };
  });
}
