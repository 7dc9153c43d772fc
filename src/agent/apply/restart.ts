/** Brings a generation up by a new start: of its userspace, of its kernel, or of the whole machine. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { removePending } from "#apply/confirm/pending.ts";
import type { Pending } from "#apply/confirm/pending.ts";
import { clearNextRoot, prepareNextRoot } from "#apply/mounts/next-root.ts";
import type { Way } from "#apply/plan/plan.ts";
import { parseFields, renderEntry } from "#boot/entry.ts";
import { entryOf } from "#boot/esp.ts";
import { AshlarError } from "#errors";
import { exec } from "#sys/exec.ts";
import { loadKexec } from "#sys/kexec.ts";
import type { AgentContext } from "../context.ts";
import type { Planned } from "./planned.ts";

/**
 * All that can fail happens before anything changes; then the machine is on its way.
 * @param begin called right before: writes down what waits for its end
 */
export async function goByRestart(
  context: AgentContext,
  { target, system }: Planned,
  { way, begin }: { readonly way: Exclude<Way, "live">; readonly begin: () => Pending },
): Promise<void> {
  const { machine, report } = context;
  const readonlyEtc = system.state.etcMode === "readonly";
  if (way === "soft-reboot")
    await report.step("mount the new root", () => prepareNextRoot({ store: machine.store, digest: target.image.digest, readonlyEtc }));
  if (way === "kexec") await report.step("load the kernel", async () => load(context, target));
  begin();
  try {
    await exec("systemctl", [way], {
      env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", SYSTEMCTL_SKIP_AUTO_SOFT_REBOOT: "1", SYSTEMCTL_SKIP_AUTO_KEXEC: "1" },
    });
  } catch (error) {
    // systemd refused: nothing restarts, so nothing waits for its end. What starts next stays the generation that was asked for.
    removePending(machine.sysroot);
    clearNextRoot();
    throw error;
  }
}

/** The kernel of the store, with the arguments of its boot entry. */
function load({ machine }: AgentContext, { number, image }: Planned["target"]): void {
  const { kernel } = image;
  if (kernel === undefined) throw new AshlarError("E_APPLY_REFUSED", `the image of generation ${number} has no kernel`);
  const path = (object: string): string => join(machine.store, "objects", object.slice(0, 2), object.slice(2));
  const entry = renderEntry(entryOf(image, { generation: number, activation: 0, kernelId: "0".repeat(32) }));
  loadKexec({ linux: path(kernel.linux), initrd: path(kernel.initrd) }, parseFields(entry).get("options") ?? "");
}

/** Whole seconds of up time. */
export function uptime(): number {
  return Math.floor(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]));
}
