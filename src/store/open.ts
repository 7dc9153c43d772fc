/** Opening a store: made when missing, judged by its meta.json, locked, and cleared of what a killed process left. */
import { closeSync, constants, existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { AshlarError, hasErrno } from "#errors";
import { mayAccess } from "#sys/if-there.ts";
import { syncFileSystem } from "#sys/syncfs.ts";
import { addFiles } from "./add.ts";
import type { StoreErrorCode } from "./errors.ts";
import { imagePath, imageTarget, objectPath } from "./layout.ts";
import { exclusively, lockShared } from "./lock.ts";
import { readMeta, writeMeta } from "./meta.ts";
import type { ObjectId } from "./object.ts";
import { placeBytes, replaceBytes } from "./place.ts";
import { createPool } from "./pool.ts";
import { makeRecoveryFolders, markUnsynced, recover } from "./recover.ts";
import type { Store, VerityMode } from "./store.ts";

export interface OpenStoreOptions {
  /** `require` on a machine; `off`, the default, on a build host, whose store never is the root of a running system. */
  readonly verity?: VerityMode;
  /** Threads for hashing; as many as processors, at most 8, when absent. 0: the calling thread. */
  readonly workers?: number;
  /** Milliseconds to wait while another process collects or repairs; a minute when absent. */
  readonly lockTimeout?: number;
}

const WORKERS_MAX = 8;
const LOCK_TIMEOUT_MS = 60_000;

/**
 * Opens the store in the folder `root`, which is made when missing. Close it, or its lock blocks collection.
 * @throws E_STORE_META, E_STORE_INCOMPATIBLE, E_STORE_BUSY
 */
export async function openStore(root: string, options: OpenStoreOptions = {}): Promise<Store> {
  const target = { root: resolve(root), verity: options.verity ?? "off" };
  const writable = prepare(target.root);
  const lock = await lockShared(target.root, options.lockTimeout ?? LOCK_TIMEOUT_MS, () => {
    if (writable) recover(target);
  });
  const pool = createPool(target, options.workers ?? Math.min(availableParallelism(), WORKERS_MAX));
  let mark: string | undefined;
  let open = true;
  const writing = (): void => {
    if (!writable) throw readOnly(target.root);
    mark ??= markUnsynced(target.root);
  };
  const flush = (): void => {
    if (mark === undefined) return;
    syncFileSystem(target.root);
    rmSync(mark, { force: true });
    mark = undefined;
  };

  return {
    ...target,
    has: (object) => existsSync(objectPath(target.root, object)),
    pathOf: (object) => objectPath(target.root, object),
    add: (content) => {
      writing();
      return placeBytes(target, content);
    },
    replace: (content) => {
      writing();
      return replaceBytes(target, content);
    },
    addFiles: async (files, addOptions = {}) => {
      if (files.length === 0) return [];
      writing();
      return addFiles(target, pool, files, addOptions);
    },
    read: (object) => readObject(target.root, object),
    flush,
    addImage: (image) => {
      if (!existsSync(objectPath(target.root, image))) throw missing(target.root, image);
      writing();
      linkImage(target.root, image);
    },
    check: (objects, repair) => pool.run({ kind: "check", objects, repair }, objects.length),
    exclusively: (work) => {
      if (!writable) throw readOnly(target.root);
      return exclusively(target.root, lock, work);
    },
    close: async () => {
      if (!open) return;
      open = false;
      await pool.close();
      closeSync(lock);
    },
  };
}

/** Makes the folders of a new store; returns whether this process may write to it. */
function prepare(root: string): boolean {
  let meta = readMeta(root);
  if (meta === undefined) {
    if (existsSync(join(root, "objects")))
      throw new AshlarError<StoreErrorCode>("E_STORE_META", `${root} has objects but no meta.json, so it is not known to be a store`, {
        hint: `restore ${join(root, "meta.json")}, or move the folder away; the next build makes a new store`,
        details: { root },
      });
    mkdirSync(root, { recursive: true });
    writeMeta(root);
    meta = { writable: true };
  }
  if (!meta.writable || !mayAccess(root, constants.W_OK)) return false;
  for (const name of ["objects", "images", "refs"]) mkdirSync(join(root, name), { recursive: true });
  makeRecoveryFolders(root);
  return true;
}

function readObject(root: string, object: ObjectId): Buffer {
  try {
    return readFileSync(objectPath(root, object));
  } catch (error) {
    throw hasErrno(error, "ENOENT") ? missing(root, object) : error;
  }
}

function linkImage(root: string, image: ObjectId): void {
  const path = imagePath(root, image);
  try {
    symlinkSync(imageTarget(image), path);
  } catch (error) {
    if (!hasErrno(error, "EEXIST") || readlinkSync(path) !== imageTarget(image)) throw error;
  }
}

function missing(root: string, object: ObjectId): AshlarError<StoreErrorCode> {
  return new AshlarError("E_STORE_MISSING", `the store ${root} has no object ${object}`, {
    hint: "run `ashlar fsck`, then build or upgrade again to get the object back",
    details: { root, object },
  });
}

function readOnly(root: string): AshlarError<StoreErrorCode> {
  return new AshlarError("E_STORE_READ_ONLY", `the store ${root} can only be read`, {
    hint: "run the command as the owner of the store, or use the Ashlar that made it",
    details: { root },
  });
}
