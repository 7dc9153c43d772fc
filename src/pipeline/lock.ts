/** `ashlar lock`: asks the verified archive and apt, and writes the lock beside the config. */
import { existsSync } from "node:fs";
import { loadSystem } from "#config/load.ts";
import { lockDifference } from "#lock/difference.ts";
import { readLock, writeLock } from "#lock/file.ts";
import type { Lock } from "#lock/lock.ts";
import { resolve } from "#lock/resolve.ts";
import { openToolchain } from "#toolchain/open.ts";
import { lockPathOf } from "./lock-path.ts";
import type { Context } from "./context.ts";
import { lockLayers } from "./layers/lock.ts";

export interface LockOptions {
  readonly config: string;
  /** "all", or names of packages to move to the newest version; the rest stays where it is. */
  readonly upgrade?: "all" | readonly string[];
}

export interface LockResult {
  readonly path: string;
  readonly lock: Lock;
  /** Against the lock that was there before. */
  readonly changes: ReturnType<typeof lockDifference>;
}

export async function lockSystem(options: LockOptions, context: Context): Promise<LockResult> {
  const { workspace, report } = context;
  const loaded = await loadSystem(options.config, workspace);
  const { system } = loaded;
  const path = lockPathOf(options.config);
  const previous = existsSync(path) ? readLock(path) : undefined;
  const toolchain = await openToolchain("build", {
    workspace,
    report,
    ...(previous === undefined || options.upgrade === "all" ? {} : { packages: previous.tools.packages }),
  });
  const base = await report.step("resolve packages", (step) =>
    resolve(system, {
      workspace,
      report: step,
      toolchain,
      ...(previous === undefined ? {} : { previous }),
      ...(options.upgrade === undefined ? {} : { upgrade: options.upgrade }),
    }),
  );
  const layers = await lockLayers(loaded, base, { workspace, report, toolchain });
  const lock = layers === undefined ? base : { ...base, layers };
  writeLock(path, lock);
  return { path, lock, changes: lockDifference(previous, lock) };
}
