/** `ashlar upgrade --unattended`: what `updates.automatic` of the config says, for the timer. */
import type { Automatic } from "#config/updates.ts";
import { readAllRecords } from "#deployment/records.ts";
import { AshlarError } from "#errors";
import { isWithinWindow, parseTimeWindow } from "#formats/time-window.ts";
import { systemOf } from "../context.ts";
import type { AgentContext, AgentResult } from "../context.ts";
import { readLastLook, writeLastLook } from "../updates/last-look.ts";
import { isMetered } from "../updates/metered.ts";
import { apply } from "./apply.ts";
import { check, download } from "./look.ts";
import { upgrade } from "./upgrade.ts";

export type UnattendedErrorCode = "E_UPDATE_NOT_AUTOMATIC";

/** @throws E_UPDATE_NOT_AUTOMATIC, and what `upgrade` and `apply` throw */
export async function unattended(context: AgentContext): Promise<AgentResult> {
  const { machine, now } = context;
  const system = systemOf(machine);
  const { automatic } = system.updates;
  if (automatic === undefined)
    throw new AshlarError<UnattendedErrorCode>("E_UPDATE_NOT_AUTOMATIC", "this system's config does not have `updates.automatic`", {
      hint: "a person upgrades with: ashlar upgrade",
    });
  const { metered, why } = await isMetered(machine.root, system);
  if (metered && !automatic.metered) {
    const { release, passed = [] } = readLastLook(machine) ?? {};
    const failure = `the connection is metered (${why})`;
    writeLastLook(machine, { when: now(), passed, failure, ...(release === undefined ? {} : { release }) });
    return { json: { outcome: "metered", why }, text: `Nothing was fetched: ${failure}. \`ashlar upgrade\` does it all the same.` };
  }
  if (automatic.mode === "check") return check(context, {});
  if (automatic.mode === "download") return download(context, {});
  const upgraded = await upgrade(context, {});
  return automatic.mode === "apply" ? applied(context, automatic, upgraded) : upgraded;
}

/** Runs what starts next, when it is time for it. An image that failed before does not get here: it is not what starts next. */
async function applied(context: AgentContext, { window }: Automatic, upgraded: AgentResult): Promise<AgentResult> {
  const { machine, loader, now } = context;
  const { next } = loader.entries();
  const target = readAllRecords(machine.deployments).deployments.find(({ number }) => number === next);
  if (target === undefined || target.image.digest === machine.running?.digest) return upgraded;
  const when = new Date(now() * 1000);
  const open = window.flatMap((text) => parseTimeWindow(text) ?? []).some((each) => isWithinWindow(each, when));
  if (!open)
    return {
      ...upgraded,
      json: { ...upgraded.json, waits: window },
      text: `${upgraded.text}\nIt is run by itself in the window ${window.join(" or ")}.`,
    };
  const result = await apply(context, {});
  return { ...result, json: { ...upgraded.json, applied: result.json }, text: `${upgraded.text}\n${result.text}` };
}
