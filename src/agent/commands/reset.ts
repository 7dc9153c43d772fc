/** `ashlar reset`: back to the generation that the machine was installed with. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { locked } from "#deployment/lock.ts";
import type { DeploymentErrorCode } from "#deployment/errors.ts";
import { finishReset, forgetOthers, installedGeneration, requestReset, resetDone } from "#deployment/reset.ts";
import type { ResetKind } from "#deployment/reset.ts";
import { AshlarError } from "#errors";
import { formatCount } from "#report/format.ts";
import { imageRoot } from "#state/root-reader.ts";
import { exec } from "#sys/exec.ts";
import { collectGenerations } from "../collecting.ts";
import { withStore } from "../context.ts";
import type { AgentContext, AgentResult } from "../context.ts";

export interface ResetOptions {
  /** Leave /state as it is. */
  readonly keepState?: boolean;
  /** Somebody knows what it does. */
  readonly yes?: boolean;
  readonly reboot?: boolean;
}

/** @throws E_RESET_CONFIRM, E_RESET_NONE; nothing was changed then */
export async function reset(context: AgentContext, options: ResetOptions): Promise<AgentResult> {
  const { machine, loader } = context;
  const kind: ResetKind = options.keepState === true ? "keep" : "erase";
  const data = kind === "erase" ? "all data of this machine (/var, /home, /root, /srv, its identity) is erased" : "its data stays";
  return locked(context, "reset", async () => {
    const installed = installedGeneration(machine, loader);
    if (options.yes !== true)
      throw new AshlarError<DeploymentErrorCode>(
        "E_RESET_CONFIRM",
        `a reset goes back to generation ${installed.number}, and ${data}; nothing was changed`,
        { hint: `ashlar reset ${kind === "keep" ? "--keep-state " : ""}--yes`, exitCode: 2 },
      );
    if (isFailsafe(machine.root)) await exec("mount", ["-o", "remount,rw", machine.sysroot]);
    await withStore(context, async (store) => {
      // Its initrd does the work, so it must know how.
      if (imageRoot(store, installed.deployment.image.digest).read("/usr/lib/ashlar/recovery") === undefined)
        throw new AshlarError<DeploymentErrorCode>(
          "E_RESET_NONE",
          `generation ${installed.number} was made by an Ashlar that cannot reset`,
          {
            hint: "install the machine anew from a disk image",
          },
        );
    });
    requestReset(machine, loader, { installed, kind });
    const reboot = options.reboot === true;
    if (reboot) await exec("systemctl", ["reboot"]);
    const when = reboot ? "The machine restarts" : "At the next start";
    const text = `${when}: generation ${installed.number} (${installed.deployment.image.digest.slice(0, 12)}) starts, and ${data}.${
      reboot ? "" : " `ashlar rollback` before that cancels it."
    }`;
    return { json: { generation: installed.number, digest: installed.deployment.image.digest, data: kind, reboot }, text };
  });
}

/** `ashlar reset --finish`, run by a unit at the first start after one. */
export async function finish(context: AgentContext): Promise<AgentResult> {
  const { machine, loader } = context;
  return locked(context, "reset", async () => {
    const done = resetDone(machine);
    const removed = done === "erase" ? forgetOthers(machine, loader) : [];
    if (done === "erase") await withStore(context, (store) => collectGenerations(context, store));
    finishReset(machine);
    const text =
      done === undefined ? "There was no reset." : `The reset is complete; ${formatCount(removed.length, "other generation")} removed.`;
    return { json: { done: done ?? null, removed }, text };
  });
}

function isFailsafe(root: string): boolean {
  return / ?ashlar\.failsafe(\s|$)/.test(readFileSync(join(root, "proc/cmdline"), "utf8"));
}
