/** From a config file to an image in the store: the stages in order, each cached by its inputs. */
import { existsSync } from "node:fs";
import { canonicalJson, digestOf } from "#formats/canonical-json.ts";
import { loadSystem } from "#config/load.ts";
import type { LoadedSystem } from "#config/load.ts";
import { AshlarError } from "#errors";
import { lockFits, readLock, writeLock } from "#lock/file.ts";
import type { Lock } from "#lock/lock.ts";
import { openStore } from "#store/open.ts";
import { getRef, putRef } from "#store/refs.ts";
import type { BaseOptions } from "./base.ts";
import type { Context } from "./context.ts";
import { imageKey } from "./keys.ts";
import { lockPathOf } from "./lock-path.ts";
import { findRecord, recordOf } from "./record.ts";
import type { BuildRecord } from "./record.ts";
import { nameFullDisk } from "./space.ts";

export interface BuildOptions extends Omit<BaseOptions, "locale"> {
  /** Path of system.ts, .json or .yaml; or `image:` and the beginning of the digest of an image that is here already. */
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
 * @throws every error of the stages; E_BUILD_SPACE, E_LOCK_MISSING, E_LOCK_STALE, E_LOCK_IDS; E_IMAGE_UNKNOWN, E_IMAGE_AMBIGUOUS
 */
export async function buildSystem(options: BuildOptions, context: Context): Promise<BuildResult> {
  if (options.config.startsWith(IMAGE)) return builtImage(options.config.slice(IMAGE.length), context);
  const loaded = await context.report.step("evaluate the config", () => loadSystem(options.config, context.workspace));
  const lock = await fittingLock(options, loaded, context);
  const store = await openStore(context.workspace.store);
  try {
    const known = options.fresh === true ? undefined : recordOf(store, getRef(store, "builds", imageKey(loaded, lock)));
    if (known !== undefined) return { ...known, cached: true };
    // Loaded here: when nothing changed, most of Ashlar is not needed.
    const [{ baseTree }, { buildImage }, { layOnImage }] = await Promise.all([
      import("./base.ts"),
      import("./make-image.ts"),
      import("./layers/build.ts"),
    ]);
    const base = await baseTree(lock, store, { ...options, locale: loaded.system.locale }, context);
    const { record, ids } = await buildImage(base, loaded, lock, store, context);
    const final = rememberIds(options, lock, ids);
    const layered = await layOnImage({ ...record, image: { ...record.image, lock: digestOf(final) } }, loaded, final, store, context);
    const complete = { ...layered, lock: store.add(Buffer.from(canonicalJson(final))) };
    store.flush();
    putRef(store, "images", complete.image.digest, complete);
    putRef(store, "builds", imageKey(loaded, final), { digest: complete.image.digest });
    return { ...complete, cached: false };
  } catch (error) {
    throw nameFullDisk(error, context.workspace);
  } finally {
    await store.close();
  }
}

const IMAGE = "image:";

async function builtImage(digest: string, { workspace }: Context): Promise<BuildResult> {
  const store = await openStore(workspace.store);
  try {
    return { ...findRecord(store, digest), cached: true };
  } finally {
    await store.close();
  }
}

/** The lock beside a config, made when there is none. @throws E_LOCK_MISSING, E_LOCK_STALE */
export async function fittingLock(options: Pick<BuildOptions, "config" | "locked">, loaded: LoadedSystem, context: Context): Promise<Lock> {
  const path = lockPathOf(options.config);
  if (!existsSync(path)) {
    if (options.locked === true)
      throw new AshlarError<BuildErrorCode>("E_LOCK_MISSING", `there is no ${path}`, { hint: `ashlar lock ${options.config}` });
    const { lockSystem } = await import("./lock.ts");
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

/** New names in the ledger become part of the lock, so that they keep their numbers for ever. */
export function rememberIds(options: Pick<BuildOptions, "config" | "locked">, lock: Lock, ids: Lock["ids"]): Lock {
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
