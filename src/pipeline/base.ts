/** The base tree of a lock: from the cache, or by installing its packages once. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Lock } from "#lock/lock.ts";
import { fetchPackages } from "#lock/download.ts";
import type { Step } from "#report/reporter.ts";
import { getRef, putRef } from "#store/refs.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import { openToolchain } from "#toolchain/open.ts";
import { normaliseBase } from "#tree/assemble.ts";
import { dumpText, parseTree } from "#tree/dump.ts";
import { installPackages } from "#tree/install/install.ts";
import { isResidue } from "#tree/normalise/residue.ts";
import { scanTree } from "#tree/scan.ts";
import type { Tree } from "#tree/tree.ts";
import type { Context } from "./context.ts";
import { baseKey, epochOf } from "./keys.ts";

export interface BaseOptions {
  readonly locale: string;
  /** Keep the build folder for a look, also when the build fails. */
  readonly keep?: boolean;
  /** Ignore a cached base (for `--check`). */
  readonly fresh?: boolean;
  /** Let dpkg unpack, one package after the other: the definition of right, and slower. */
  readonly plain?: boolean;
  readonly workers?: number;
}

interface BaseRecord {
  /** The dump of the tree. */
  readonly dump: ObjectId;
}

/** @throws what fetching, installing and scanning throw */
export async function baseTree(lock: Lock, store: Store, options: BaseOptions, context: Context): Promise<Tree> {
  const key = baseKey(lock, options.locale);
  return context.report.step("install packages", async (step) => {
    const record = getRef(store, "bases", key) as BaseRecord | undefined;
    if (record !== undefined && options.fresh !== true && store.has(record.dump)) {
      step.cached();
      return parseTree(store.read(record.dump).toString("latin1"));
    }
    const base = await installBase(lock, store, options, context, step);
    const dump = store.add(Buffer.from(dumpText(base), "latin1"));
    store.flush();
    putRef(store, "bases", key, { dump } satisfies BaseRecord);
    return base;
  });
}

async function installBase(lock: Lock, store: Store, options: BaseOptions, context: Context, step: Step): Promise<Tree> {
  const { workspace } = context;
  const archives = await fetchPackages(lock.packages, { workspace, report: step });
  const toolchain = await openToolchain("build", { workspace, report: step, packages: lock.tools.packages });
  mkdirSync(workspace.work, { recursive: true });
  const root = mkdtempSync(join(workspace.work, "root-"));
  let failed = true;
  try {
    await installPackages(
      {
        root,
        packages: lock.packages,
        archives,
        toolchain,
        architecture: lock.request.architecture,
        epoch: epochOf(lock),
        locale: options.locale,
        ...(options.plain === undefined ? {} : { plain: options.plain }),
        ...(options.workers === undefined ? {} : { workers: options.workers }),
      },
      step,
    );
    const scanned = await step.step("scan and store files", (inner) =>
      scanTree(root, store, { mtime: epochOf(lock), skip: isResidue, move: options.keep !== true, report: inner }),
    );
    failed = false;
    step.detail(`${lock.packages.length} packages, ${scanned.nodes.size} files`);
    return normaliseBase(scanned, store);
  } finally {
    if (options.keep === true) step.note("info", `the build folder is kept: ${root}`);
    else rmSync(root, { recursive: true, force: true });
    if (failed) step.note("info", "nothing was changed: the last good image is still there");
  }
}
