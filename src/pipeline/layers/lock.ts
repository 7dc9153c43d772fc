/** The layers of a config in its lock: resolved against the packages that the lock has just decided on, as if they were installed. */
import { readFileSync } from "node:fs";
import { BUILTIN, builtinPackage } from "#archive/builtin.ts";
import type { Archive } from "#archive/open.ts";
import { sha256Of } from "#archive/snapshot.ts";
import type { LoadedSystem } from "#config/load.ts";
import { readDebControl } from "#formats/deb.ts";
import { openLayerArchives, resolveLayers } from "#lock/layers.ts";
import type { LayerContext, LocalPackage } from "#lock/layers.ts";
import type { Lock, LockedLayers, LockedPackage } from "#lock/lock.ts";
import { layerRequestOf } from "#lock/request.ts";
import { controlField } from "#tree/install/unpacked.ts";
import { localName } from "./resolve.ts";

/**
 * @returns what becomes the lock's `layers`; undefined without packages among the layers
 * @throws E_LOCK_UNKNOWN_PACKAGE, E_LOCK_UNSATISFIABLE, E_ARCHIVE_*
 */
export async function lockLayers({ system, sources }: LoadedSystem, lock: Lock, context: LayerContext): Promise<LockedLayers | undefined> {
  const request = layerRequestOf(system);
  if (request.packages.length + request.debs.length === 0) return undefined;
  return context.report.step("resolve layers", async (report) => {
    const inner = { ...context, report };
    const { suite, architecture, components } = lock.request;
    const scope = { suite, architecture, components, recommends: lock.request.recommends, snapshots: lock.archives };
    const archives = await openLayerArchives(scope, inner);
    const local = await Promise.all(request.debs.map((sha256) => localPackage(sources.get(sha256) ?? "")));
    const question = { ...scope, packages: request.packages, local, installed: asInstalled(lock.packages, archives.archives) };
    return { request, packages: (await resolveLayers(question, archives, inner)).packages };
  });
}

/** What dpkg's status file will say once the packages are installed, as far as apt is concerned. */
function asInstalled(packages: readonly LockedPackage[], archives: readonly Archive[]): string {
  return packages
    .map(({ name, version, archive }) => {
      const stanza =
        archive === BUILTIN
          ? builtinPackage().stanza
          : archives
              .flatMap(({ suite, indexes }) => (suite === archive ? indexes : []))
              .map(({ index }) => index.text(name, version))
              .find((text) => text !== undefined);
      if (stanza === undefined) throw new RangeError(`the archive of the lock has no ${name} ${version}`);
      return `${stanza.trimEnd().replace("\n", "\nStatus: install ok installed\n")}\n`;
    })
    .join("\n");
}

async function localPackage(path: string): Promise<LocalPackage> {
  const content = readFileSync(path);
  const { controlText } = await readDebControl(content);
  const field = (name: string): string => controlField(controlText, name) ?? "";
  const file = { name: field("Package"), architecture: field("Architecture"), sha256: sha256Of(content) };
  return {
    locked: { ...file, version: field("Version"), size: content.length, path: localName(file), archive: "local" },
    control: controlText,
  };
}
