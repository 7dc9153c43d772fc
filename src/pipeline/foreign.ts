/**
 * A machine out of a container image that others made of Debian: its files are the base that packages are elsewhere, the
 * config is laid on top, and what comes out is an image like any other.
 */
import { loadSystem } from "#config/load.ts";
import type { LoadedSystem } from "#config/load.ts";
import type { System } from "#config/system.ts";
import { AshlarError } from "#errors";
import { canonicalJson, digestOf } from "#formats/canonical-json.ts";
import type { Lock } from "#lock/lock.ts";
import { importTree } from "#registry/oci/import.ts";
import type { ImportableImage } from "#registry/oci/import.ts";
import type { OciRepository } from "#registry/oci/repository.ts";
import { putRef } from "#store/refs.ts";
import type { Store } from "#store/store.ts";
import { normaliseBase } from "#tree/assemble.ts";
import { requireMachine } from "#tree/normalise/foreign.ts";
import { isResidue } from "#tree/normalise/residue.ts";
import type { Tree } from "#tree/tree.ts";
import { requestedPackages } from "#lock/request.ts";
import { fittingLock, rememberIds } from "./build.ts";
import type { BuildOptions } from "./build.ts";
import type { Context } from "./context.ts";
import { epochOf } from "./keys.ts";
import { buildImage } from "./make-image.ts";
import type { BuildRecord } from "./record.ts";

export type ForeignErrorCode = "E_IMPORT_LAYERS";

export interface ForeignOptions extends Pick<BuildOptions, "config" | "locked"> {
  /** Programs with more rights than their caller that no package of the image has, and that shall be there nevertheless. */
  readonly privileged: readonly string[];
}

export interface ForeignImport {
  readonly record: BuildRecord;
  readonly tree: Tree;
}

/**
 * Lays a config on the files of an image. The config's lock gives the tools, the dates and the numbers of accounts; its packages
 * are not installed, the image has to have them.
 * @throws E_IMPORT_*, E_OCI_*, E_TAR_*, E_TREE_*, E_BOOT_*; the store then has no new image
 */
export async function importForeign(
  source: { readonly repository: OciRepository; readonly found: ImportableImage },
  options: ForeignOptions,
  store: Store,
  context: Context,
): Promise<ForeignImport> {
  const loaded = await context.report.step("evaluate the config", () => loadSystem(options.config, context.workspace));
  refuseLayers(loaded, options.config);
  const pinned = await fittingLock(options, loaded, context);
  const base = await context.report.step("import the layers", async (step) => {
    const tree = await importTree(source.repository, source.found, { mtime: epochOf(pinned), store, step, skip: isResidue });
    requireMachine(tree, store, { ...options, packages: neededPackages(loaded.system) });
    return await normaliseBase(tree, store);
  });
  // What is in it is not what apt said: an image that was imported names no packages.
  const lock: Lock = { ...pinned, packages: [] };
  const { record, tree, ids } = await buildImage(base, loaded, lock, store, context);
  const final = { ...rememberIds(options, pinned, ids), packages: [] };
  const complete: BuildRecord = {
    ...record,
    image: { ...record.image, lock: digestOf(final) },
    lock: store.add(Buffer.from(canonicalJson(final))),
  };
  store.flush();
  putRef(store, "images", complete.image.digest, complete);
  return { record: complete, tree };
}

/** Besides the kernel, whose package may have any name, and what stands for a maker of initrds. */
function neededPackages(system: System): string[] {
  return requestedPackages(system).filter((name) => name !== "ashlar-initrd" && name !== system.kernel.package);
}

function refuseLayers({ system: { layers } }: LoadedSystem, config: string): void {
  if (layers.packages.length + layers.debs.length + layers.folders.length === 0) return;
  throw new AshlarError<ForeignErrorCode>("E_IMPORT_LAYERS", `${config} has \`layers\`, which an imported image cannot have`, {
    hint: "install them in the image's Containerfile, or on the machine: ashlar layer add",
  });
}
