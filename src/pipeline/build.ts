/** From a config file to an image in the store: the stages in order, each cached by its inputs. */
import { existsSync } from "node:fs";
import { agentContributions } from "#agent/bundle.ts";
import { bootContributions } from "#boot/runtime.ts";
import { canonicalJson, digestOf } from "#formats/canonical-json.ts";
import { loadSystem } from "#config/load.ts";
import type { LoadedSystem } from "#config/load.ts";
import { AshlarError } from "#errors";
import type { Image } from "#image/image.ts";
import { sealTree } from "#image/seal.ts";
import { lockFits, readLock, writeLock } from "#lock/file.ts";
import type { Lock } from "#lock/lock.ts";
import { openStore } from "#store/open.ts";
import { getRef, putRef } from "#store/refs.ts";
import type { Store } from "#store/store.ts";
import { assemble } from "#tree/assemble.ts";
import { dumpText } from "#tree/dump.ts";
import type { Tree } from "#tree/tree.ts";
import { baseTree } from "./base.ts";
import type { BaseOptions } from "./base.ts";
import type { Context } from "./context.ts";
import { epochOf, imageKey } from "./keys.ts";
import { cachedKernel } from "./kernel.ts";
import { lockPathOf } from "./lock-path.ts";
import { lockSystem } from "./lock.ts";
import { recordOf } from "./record.ts";
import type { BuildRecord } from "./record.ts";

export interface BuildOptions extends Omit<BaseOptions, "locale"> {
  /** Path of system.ts, .json or .yaml. */
  readonly config: string;
  /** Refuse to write the lock, for CI: it must exist, fit, and know every id. */
  readonly locked?: boolean;
}

export type BuildErrorCode = "E_LOCK_MISSING" | "E_LOCK_STALE" | "E_LOCK_IDS";

export interface BuildResult extends BuildRecord {
  /** True when nothing had to be done. */
  readonly cached: boolean;
}

/**
 * Builds the image of a config.
 * @throws every error of the stages; E_LOCK_MISSING, E_LOCK_STALE, E_LOCK_IDS
 */
export async function buildSystem(options: BuildOptions, context: Context): Promise<BuildResult> {
  const loaded = await context.report.step("evaluate the config", () => loadSystem(options.config));
  const lock = await fittingLock(options, loaded, context);
  const store = await openStore(context.workspace.store);
  try {
    const known = options.fresh === true ? undefined : recordOf(store, getRef(store, "builds", imageKey(loaded, lock)));
    if (known !== undefined) return { ...known, cached: true };
    const base = await baseTree(lock, store, { ...options, locale: loaded.system.locale }, context);
    const { record, ids } = await buildImage(base, loaded, lock, store, context);
    const final = rememberIds(options, lock, ids);
    const complete = { ...record, image: { ...record.image, lock: digestOf(final) } };
    store.flush();
    putRef(store, "images", complete.image.digest, complete);
    putRef(store, "builds", imageKey(loaded, final), { digest: complete.image.digest });
    return { ...complete, cached: false };
  } finally {
    await store.close();
  }
}

async function fittingLock(options: BuildOptions, loaded: LoadedSystem, context: Context): Promise<Lock> {
  const path = lockPathOf(options.config);
  if (!existsSync(path)) {
    if (options.locked === true)
      throw new AshlarError<BuildErrorCode>("E_LOCK_MISSING", `there is no ${path}`, { hint: `ashlar lock ${options.config}` });
    return (await lockSystem({ config: options.config }, context)).lock;
  }
  const lock = readLock(path);
  const fit = lockFits(lock, loaded.system);
  if (fit.fits) return lock;
  throw new AshlarError<BuildErrorCode>(
    "E_LOCK_STALE",
    `${path} does not fit ${options.config}:\n${fit.why.map((reason) => `  ${reason}`).join("\n")}`,
    { hint: `ashlar lock ${options.config}` },
  );
}

export interface BuiltImage {
  readonly record: BuildRecord;
  readonly tree: Tree;
  readonly ids: Lock["ids"];
}

/** Puts the config on a base and seals it: everything after the packages. */
export async function buildImage(base: Tree, loaded: LoadedSystem, lock: Lock, store: Store, context: Context): Promise<BuiltImage> {
  const { system } = loaded;
  const epoch = epochOf(lock);
  const { tree, ids } = await context.report.step("apply the config", async () => {
    const contributions = [...bootContributions(system), ...(await agentContributions(system, context.workspace))];
    return assemble({ base, system, ids: lock.ids, sources: loaded.sources, contributions }, store);
  });
  const kernel = await context.report.step("make the initrd", async (step) => cachedKernel(tree, system, epoch, store, step));
  const digest = await context.report.step("write the image", async () => sealTree(tree, store));
  const image: Image = {
    version: 1,
    name: system.name,
    digest,
    kernel,
    boot: system.boot,
    config: loaded.digest,
    lock: digestOf(lock),
    epoch,
  };
  const record: BuildRecord = {
    image,
    dump: store.add(Buffer.from(dumpText(tree), "latin1")),
    system: store.add(Buffer.from(canonicalJson(system))),
    lock: store.add(Buffer.from(canonicalJson(lock))),
  };
  return { record, tree, ids };
}

/** New names in the ledger become part of the lock, so that they keep their numbers for ever. */
function rememberIds(options: BuildOptions, lock: Lock, ids: Lock["ids"]): Lock {
  const final = { ...lock, ids };
  if (digestOf(final) === digestOf(lock)) return lock;
  if (options.locked === true)
    throw new AshlarError<BuildErrorCode>(
      "E_LOCK_IDS",
      `packages bring system accounts that ${lockPathOf(options.config)} gives no numbers yet`,
      { hint: `ashlar build ${options.config} without --locked, then commit the lock` },
    );
  writeLock(lockPathOf(options.config), final);
  return final;
}
