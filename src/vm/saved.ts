/**
 * A machine that goes on where another run of it was saved, in seconds instead of a start. A saved state is a folder:
 *
 *   memory         QEMU's migration stream: RAM and devices
 *   variables.fd   the firmware's variables
 *
 * The disk is not in it: whoever resumes gives the disk as it was when the state was saved, and the same options.
 * https://www.qemu.org/docs/master/devel/migration/main.html
 */
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AshlarError } from "#errors";
import type { VmErrorCode } from "./errors.ts";
import type { Qmp } from "./qmp.ts";

export const MEMORY = "memory";
export const VARIABLES = "variables.fd";
/** Bytes a second; QEMU's default is made for networks. */
const BANDWIDTH = 2 ** 33;
const POLL_MS = 100;

/** @throws E_VM_SAVE with what QEMU said */
export async function saveState(
  qmp: Qmp,
  paths: { readonly from: string; readonly inside: string; readonly to: string; readonly halt: () => Promise<void> },
): Promise<void> {
  await qmp.execute("stop");
  await qmp.execute("migrate-set-parameters", { "max-bandwidth": BANDWIDTH });
  await qmp.execute("migrate", { uri: `file:${paths.inside}/${MEMORY}` });
  await migrated(qmp);
  mkdirSync(paths.to, { recursive: true });
  for (const name of [MEMORY, VARIABLES]) copyFileSync(join(paths.from, name), join(paths.to, name));
  await paths.halt();
}

/** Waits for the state to be read, then lets the machine run. @throws E_VM_SAVE */
export async function goOn(qmp: Qmp): Promise<void> {
  await migrated(qmp);
  await qmp.execute("cont");
}

async function migrated(qmp: Qmp): Promise<void> {
  for (;;) {
    const { status, "error-desc": why } = (await qmp.execute("query-migrate")) as { status?: string; "error-desc"?: string };
    if (status === "completed") return;
    if (status === "failed" || status === "cancelled")
      throw new AshlarError<VmErrorCode>("E_VM_SAVE", `the state of the machine cannot be saved or read: ${why ?? status}`);
    await sleep(POLL_MS);
  }
}
