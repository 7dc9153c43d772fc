import { loginOf, whyNot } from "#apply/confirm/login.ts";
import { readPending, removePending, writePending } from "#apply/confirm/pending.ts";
import type { Pending } from "#apply/confirm/pending.ts";
import type { ApplyErrorCode } from "#apply/errors.ts";
import { bootIdOf } from "#deployment/boot-id.ts";
import { locked } from "#deployment/lock.ts";
import { AshlarError } from "#errors";
import type { AgentContext, AgentResult } from "../context.ts";

/** Whoever confirms has little time, and does not try again and again. */
const WAIT_MS = 600_000;

/** `ashlar confirm` */
export async function confirm(context: AgentContext): Promise<AgentResult> {
  return locked(context, { command: "confirm", waitMs: WAIT_MS }, async () => {
    const { machine } = context;
    const pending = readPending(machine.sysroot);
    if (pending?.confirm === undefined)
      throw new AshlarError<ApplyErrorCode>("E_CONFIRM_NOTHING", "nothing waits for a confirmation", { hint: "ashlar status" });
    const { since, session } = pending.confirm;
    const reason = whyNot(loginOf("/proc"), { boot: pending.boot, since, session }, bootIdOf(machine));
    if (reason !== undefined)
      throw new AshlarError<ApplyErrorCode>("E_CONFIRM_LOGIN", `this confirms nothing: ${reason}`, {
        hint: "log in anew, over the network or at the console, and run `sudo ashlar confirm` there",
      });
    if (pending.settled) removePending(machine.sysroot);
    else writePending(machine.sysroot, withoutConfirm(pending));
    return { json: { outcome: "confirmed", generation: pending.to }, text: `Generation ${pending.to} stays.` };
  });
}

/** Its probes are still to be judged. */
function withoutConfirm({ confirm: _confirm, ...pending }: Pending): Pending {
  return pending;
}
