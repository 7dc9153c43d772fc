/**
 * `ashlar build --check`: builds twice, from nothing, in different conditions, and compares the dumps. What may not
 * matter is made to differ: folder, time, date (by libfaketime, for maintainer scripts), time zone, locale, umask, order of
 * the package list, number of workers. The host name is not: the sandbox gives every build the same one.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { loadSystem } from "#config/load.ts";
import { readLock } from "#lock/file.ts";
import type { Lock } from "#lock/lock.ts";
import { openStore } from "#store/open.ts";
import { openToolchain } from "#toolchain/open.ts";
import type { ShiftedClock } from "#tree/install/shortcuts.ts";
import { baseTree } from "./base.ts";
import { buildSystem } from "./build.ts";
import { lockPathOf } from "./lock-path.ts";
import type { BuildOptions } from "./build.ts";
import { compareTrees } from "./compare.ts";
import type { FileChange } from "./compare.ts";
import type { Context } from "./context.ts";
import { buildImage } from "./make-image.ts";

export interface CheckResult {
  readonly digests: readonly [string, string];
  readonly equal: boolean;
  /** Paths that differ; empty when the digests are equal. */
  readonly differences: readonly FileChange[];
}

interface Conditions {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly umask: number;
  readonly workers: number;
  readonly reversed: boolean;
  readonly daysAhead: number;
}

const CONDITIONS: readonly [Conditions, Conditions] = [
  { name: "one", env: { TZ: "UTC", LC_ALL: "C.UTF-8", LANG: "C.UTF-8" }, umask: 0o022, workers: 2, reversed: false, daysAhead: 0 },
  {
    name: "other",
    env: { TZ: "Pacific/Kiritimati", LC_ALL: "tr_TR.UTF-8", LANG: "tr_TR.UTF-8" },
    umask: 0o077,
    workers: 1,
    reversed: true,
    // Another year, month, day and day of the week.
    daysAhead: 400,
  },
];

/** @throws every error of a build; that the two differ is a result, not an error */
export async function checkReproducible(options: BuildOptions, context: Context): Promise<CheckResult> {
  // The first build settles the lock and its ledger, so that both builds below start from the same inputs.
  await buildSystem(options, context);
  const loaded = await loadSystem(options.config, context.workspace);
  const lock = readLock(lockPathOf(options.config));
  const store = await openStore(context.workspace.store);
  try {
    const build = (conditions: Conditions) =>
      context.report.step(`build ${conditions.name}`, (step) =>
        under(conditions, context, async (inner) => {
          const base = await baseTree(
            conditions.reversed ? reversed(lock) : lock,
            store,
            { locale: loaded.system.locale, fresh: true, workers: conditions.workers, ...(await clock(conditions, inner)) },
            inner,
          );
          return buildImage(base, loaded, lock, store, { ...inner, report: step });
        }),
      );
    const one = await build(CONDITIONS[0]);
    // Dates in files have a resolution of one second.
    await sleep(1100);
    const other = await build(CONDITIONS[1]);
    return {
      digests: [one.record.image.digest, other.record.image.digest],
      equal: one.record.image.digest === other.record.image.digest,
      differences: compareTrees(one.tree, other.tree),
    };
  } finally {
    await store.close();
  }
}

async function under<T>(conditions: Conditions, context: Context, work: (context: Context) => Promise<T>): Promise<T> {
  const before = { env: { ...process.env }, umask: process.umask(conditions.umask) };
  Object.assign(process.env, conditions.env);
  const folder = mkdtempSync(join(context.workspace.root, `check-${conditions.name}-`));
  try {
    return await work({ ...context, workspace: { ...context.workspace, work: folder } });
  } finally {
    process.umask(before.umask);
    for (const name of Object.keys(conditions.env)) delete process.env[name];
    Object.assign(process.env, before.env);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function clock({ daysAhead }: Conditions, context: Context): Promise<{ clock?: ShiftedClock }> {
  if (daysAhead === 0) return {};
  const { root } = await openToolchain("check", context);
  return { clock: { library: join(root, "usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"), daysAhead } };
}

const reversed = (lock: Lock): Lock => ({ ...lock, packages: [...lock.packages].reverse() });
