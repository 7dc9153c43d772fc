/** The base tree of a lock: from the cache, or by installing its packages once. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Lock } from "#lock/lock.ts";
import { fetchPackages } from "#archive/download.ts";
import type { Step } from "#report/reporter.ts";
import { getRef, putRef } from "#store/refs.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import { openToolchain } from "#toolchain/open.ts";
import { normaliseBase } from "#tree/assemble.ts";
import { dumpText, parseTree } from "#tree/dump.ts";
import { installPackages } from "#tree/install/install.ts";
import type { InstallRequest } from "#tree/install/install.ts";
import type { ShiftedClock } from "#tree/install/shortcuts.ts";
import { isResidue } from "#tree/normalise/residue.ts";
import { scanTree } from "#tree/scan.ts";
import type { Tree } from "#tree/tree.ts";
import type { Context } from "./context.ts";
import { baseKey, epochOf } from "./keys.ts";
import { nameFullDisk } from "./space.ts";
import { takeTurn } from "./turn.ts";

export interface BaseOptions {
  readonly locale: string;
  /** Keep the build folder for a look, also when the build fails. */
  readonly keep?: boolean;
  /** Ignore a cached base (for `--check`). */
  readonly fresh?: boolean;
  /** Let dpkg unpack, one package after the other: the definition of right, and slower. */
  readonly plain?: boolean;
  readonly workers?: number;
  /** What maintainer scripts take for today's date (for `--check`). */
  readonly clock?: ShiftedClock;
}

interface BaseRecord {
  /** The dump of the tree. */
  readonly dump: ObjectId;
}

/** @throws E_BUILD_SPACE, and what fetching, installing and scanning throw */
export async function baseTree(lock: Lock, store: Store, options: BaseOptions, context: Context): Promise<Tree> {
  const key = baseKey(lock, options.locale);
  const known = (): Tree | undefined => {
    const record = options.fresh === true ? undefined : (getRef(store, "bases", key) as BaseRecord | undefined);
    return record !== undefined && store.has(record.dump) ? parseTree(store.read(record.dump).toString("latin1")) : undefined;
  };
  return context.report.step("install packages", async (step) => {
    const cached = known();
    if (cached !== undefined) {
      step.cached();
      return cached;
    }
    using _turn = await takeTurn(context.workspace, key, step);
    // Whoever had the turn before may have made it.
    const made = known();
    if (made !== undefined) return made;
    const base = await installBase(lock, store, { ...options, key }, context, step);
    putRef(store, "bases", key, { dump: store.add(Buffer.from(dumpText(base), "latin1")) } satisfies BaseRecord);
    return base;
  });
}

async function installBase(
  lock: Lock,
  store: Store,
  options: BaseOptions & { readonly key: string },
  context: Context,
  step: Step,
): Promise<Tree> {
  const { workspace } = context;
  const archives = await fetchPackages(lock.packages, { workspace, report: step });
  const toolchain = await openToolchain("build", { workspace, report: step, packages: lock.tools.packages });
  const root = join(workspace.work, `root-${options.key.slice(0, 16)}`);
  // Holding the turn, whatever is there is what a killed build left.
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  // Files of dpkg's database, and what scripts make without saying how, get the modes that packages expect.
  const umask = process.umask(0o022);
  try {
    const { architecture } = lock.request;
    const epoch = epochOf(lock);
    await installPackages(
      { root, packages: lock.packages, archives, toolchain, architecture, epoch, locale: options.locale, ...given(options) },
      step,
    );
    const scanned = await step.step("scan and store files", (inner) =>
      scanTree(root, store, { mtime: epoch, skip: isResidue, move: options.keep !== true, report: inner }),
    );
    step.detail(`${lock.packages.length} packages, ${scanned.nodes.size} files`);
    return await step.step("normalise", () => normaliseBase(scanned, store));
  } catch (error) {
    // Before the folder goes, and the space comes back.
    throw nameFullDisk(error, workspace);
  } finally {
    process.umask(umask);
    if (options.keep === true) step.note("info", `the build folder is kept: ${root}`);
    else rmSync(root, { recursive: true, force: true });
  }
}

function given({ plain, workers, clock }: BaseOptions): Pick<InstallRequest, "plain" | "workers" | "clock"> {
  return {
    ...(plain === undefined ? {} : { plain }),
    ...(workers === undefined ? {} : { workers }),
    ...(clock === undefined ? {} : { clock }),
  };
}
