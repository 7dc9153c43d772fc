/** What it takes to run a release whose objects are here, as `ashlar plan` would say it. */
import { AshlarError } from "#errors";
import { floorsOf, readAllRecords } from "#deployment/records.ts";
import { planTo } from "../apply/planned.ts";
import type { AgentContext } from "../context.ts";
import type { Newest } from "./newest.ts";

/** Undefined where no plan can be made: nothing of Ashlar runs, or not by root. */
export async function planOfRelease(context: AgentContext, { verified: { release, address } }: Newest): Promise<string | undefined> {
  const { machine, now } = context;
  const { number } = floorsOf(readAllRecords(machine.deployments));
  const target = { version: 1, number, image: release.image, origin: address, pinned: false, created: now() } as const;
  try {
    const { plan } = await planTo(context, target);
    if (plan.lines.length === 0) return "nothing";
    return plan.way === "live" ? `${plan.cost === "none" ? "nothing is interrupted" : plan.cost}, live` : plan.way;
  } catch (error) {
    if (error instanceof AshlarError && /^E_APPLY_(NOT_BOOTED|ROOT|IMAGE)$/.test(error.code)) return undefined;
    throw error;
  }
}
