/** The layers of a config on the image that its other options make: what `ashlar layer add` would do on a machine with that image. */
import type { LoadedSystem } from "#config/load.ts";
import type { LayerSet } from "#deployment/layers.ts";
import type { Lock } from "#lock/lock.ts";
import type { Store } from "#store/store.ts";
import { openToolchain } from "#toolchain/open.ts";
import { dumpText } from "#tree/dump.ts";
import type { Context } from "../context.ts";
import type { BuildRecord } from "../record.ts";
import { readBase } from "./base.ts";
import { deriveImage } from "./derive.ts";
import { readFolder, readPackageFile } from "./members.ts";
import { NO_LAYERS, isEmpty, withMembers } from "./set.ts";

/**
 * @param record of the image without layers
 * @returns the record of the image with them; the same one when the config has none
 */
export async function layOnImage(
  record: BuildRecord,
  loaded: LoadedSystem,
  lock: Lock,
  store: Store,
  context: Context,
): Promise<BuildRecord> {
  const set = await setOf(loaded, store);
  if (isEmpty(set)) return record;
  const { workspace, report } = context;
  store.addImage(record.image.digest);
  const toolchain = await openToolchain("build", { workspace, report, packages: lock.tools.packages });
  const layers = { archives: [], packages: lock.layers?.packages ?? [] };
  const { image, tree } = await deriveImage({ base: readBase(record.image, store), applied: set, lock: layers }, store, {
    ...context,
    toolchain,
  });
  return { ...record, image, dump: store.add(Buffer.from(dumpText(tree), "latin1")) };
}

async function setOf({ system, sources }: LoadedSystem, store: Store): Promise<LayerSet> {
  const { packages, debs, folders } = system.layers;
  const local = (sha256: string): string => sources.get(sha256) ?? "";
  return withMembers(NO_LAYERS, {
    packages,
    debs: await Promise.all(debs.map(({ sha256 }) => readPackageFile(local(sha256), store))),
    folders: await Promise.all(folders.map(({ sha256 }) => readFolder(local(sha256), store))),
  });
}
