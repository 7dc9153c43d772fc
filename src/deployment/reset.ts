/**
 * Factory reset: back to the generation that the disk was made with, with or without the machine's data.
 *
 *   1. that generation starts next                        one number in its entry
 *   2. /sysroot/ashlar/reset: "1 erase" or "1 keep"       written aside, renamed
 *   3. restart; its initrd erases (assets/reset.sh) before anything of the data is used, and removes the marker last
 *   4. after "erase", once it runs: other generations go
 *
 * Between 1 and 2 a power cut leaves a rollback; after 2 the reset goes on by itself.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { AshlarError } from "#errors";
import { syncFolder, writeFileAtomic } from "#sys/atomic.ts";
import type { DeploymentErrorCode } from "./errors.ts";
import { generationsOf } from "./generations.ts";
import type { Generation } from "./generations.ts";
import type { Loader } from "./loader.ts";
import type { Machine } from "./machine.ts";
import { readRecords, retireRecord } from "./records.ts";
import { isInstalled } from "./retention.ts";
import { textIfThere } from "#sys/if-there.ts";

export type ResetKind = "erase" | "keep";

/**
 * The generation that a reset goes back to.
 * @throws E_RESET_NONE
 */
export function installedGeneration(machine: Machine, loader: Loader): Generation {
  const generations = generationsOf(machine, readRecords(machine.deployments), loader.entries());
  const installed = generations.find((each) => isInstalled(each) && each.state?.is !== "bad");
  if (installed !== undefined) return installed;
  throw new AshlarError<DeploymentErrorCode>("E_RESET_NONE", "the generation that this machine was installed with is not on it any more", {
    hint: "install it anew from its disk image; `updates.retention.installed` in the config keeps that generation",
  });
}

/** Steps 1 and 2. Hold the machine's lock. */
export function requestReset(
  machine: Machine,
  loader: Loader,
  request: { readonly installed: Generation; readonly kind: ResetKind },
): void {
  const { installed, kind } = request;
  if (!installed.next) loader.activate(installed.number, loader.entries().activation + 1);
  writeFileAtomic(join(machine.sysroot, "ashlar/reset"), `${installed.number} ${kind}\n`);
}

/** What the initrd did; undefined when there was no reset, or {@link finishReset} was here. */
export function resetDone(machine: Machine): ResetKind | undefined {
  const kind = textIfThere(join(machine.sysroot, "ashlar/reset-done"))?.trim();
  return kind === undefined ? undefined : kind === "erase" ? "erase" : "keep";
}

/**
 * Step 4: forgets all generations but the one that runs, pinned ones too. Their objects go with the next collection. Hold the machine's lock.
 * @returns their numbers
 */
export function forgetOthers(machine: Machine, loader: Loader): number[] {
  const others = generationsOf(machine, readRecords(machine.deployments), loader.entries()).filter(({ booted }) => !booted);
  for (const { number, state } of others) {
    loader.remove(number);
    retireRecord(machine.deployments, number, state?.is === "bad" ? "failed" : "removed");
  }
  return others.map(({ number }) => number);
}

export function finishReset(machine: Machine): void {
  rmSync(join(machine.sysroot, "ashlar/reset-done"), { force: true });
  syncFolder(join(machine.sysroot, "ashlar"));
}
