/** What a set of layers means on one base, and which members this base cannot have. */
import { AshlarError, messageOf } from "#errors";
import { layerNames, shortReason } from "#deployment/layers.ts";
import type { DeployedLayers, LayerSet } from "#deployment/layers.ts";
import { readDebControl } from "#formats/deb.ts";
import { openLayerArchives, resolveLayers } from "#lock/layers.ts";
import type { LayerContext, LayerLock, LayerQuestion, LocalPackage } from "#lock/layers.ts";
import type { Store } from "#store/store.ts";
import type { LayerBase } from "./base.ts";
import { onlyMembers, withoutMembers } from "./set.ts";

export interface ResolvedSet {
  /** The members that the base can have. */
  readonly applied: LayerSet;
  readonly lock: LayerLock;
  readonly quarantined: DeployedLayers["quarantined"];
}

export interface ResolveOptions {
  /** Members that may stay out when they do not go; an error is thrown for any other. */
  readonly mayStayOut: ReadonlySet<string>;
  readonly store: Store;
}

/**
 * Resolves a set. Members that do not go together with the base are left out in one order, that of their names, so that the
 * set decides which ones, not the order in which they came.
 * @throws E_LOCK_UNKNOWN_PACKAGE, E_LOCK_UNSATISFIABLE, E_ARCHIVE_*, E_MIRROR_UNKNOWN
 */
export async function resolveSet(set: LayerSet, base: LayerBase, options: ResolveOptions, context: LayerContext): Promise<ResolvedSet> {
  if (set.packages.length + set.debs.length === 0) return { applied: set, lock: { archives: [], packages: [] }, quarantined: [] };
  const { suite, architecture, components } = base.system.distribution;
  const scope = { suite, architecture, components, recommends: base.system.recommends, snapshots: base.archives };
  const archives = await openLayerArchives(scope, context);
  const local = new Map(await Promise.all(set.debs.map(async (deb) => [deb.name, await localPackage(deb, options.store)] as const)));
  const ask = (part: LayerSet): Promise<LayerLock> =>
    resolveLayers(questionOf(part, { ...scope, installed: base.installed }, local), archives, context);
  const whole = await attempt(() => ask(set));
  if ("value" in whole) return { applied: set, lock: whole.value, quarantined: [] };
  return leaveOut(set, ask, options, whole.error);
}

async function leaveOut(
  set: LayerSet,
  ask: (part: LayerSet) => Promise<LayerLock>,
  { mayStayOut }: ResolveOptions,
  reason: AshlarError,
): Promise<ResolvedSet> {
  const names = layerNames({ ...set, folders: [] }).sort();
  const kept = new Set(layerNames(set).filter((name) => !mayStayOut.has(name)));
  if (names.every((name) => kept.has(name))) throw reason;
  let lock = await ask(onlyMembers(set, kept));
  const quarantined: { layer: string; why: string }[] = [];
  for (const name of names.filter((each) => !kept.has(each))) {
    const tried = await attempt(() => ask(onlyMembers(set, new Set([...kept, name]))));
    if ("value" in tried) {
      lock = tried.value;
      kept.add(name);
    } else quarantined.push({ layer: name, why: shortReason(messageOf(tried.error)) });
  }
  return { applied: withoutMembers(set, new Set(quarantined.map(({ layer }) => layer))), lock, quarantined };
}

/** That apt says no is an answer; that it cannot be asked is an error. */
async function attempt<T>(work: () => Promise<T>): Promise<{ readonly value: T } | { readonly error: AshlarError }> {
  try {
    return { value: await work() };
  } catch (error) {
    if (error instanceof AshlarError && (error.code === "E_LOCK_UNSATISFIABLE" || error.code === "E_LOCK_UNKNOWN_PACKAGE"))
      return { error };
    throw error;
  }
}

function questionOf(
  set: LayerSet,
  scope: Omit<LayerQuestion, "packages" | "local">,
  local: ReadonlyMap<string, LocalPackage>,
): LayerQuestion {
  return { ...scope, packages: set.packages, local: set.debs.flatMap(({ name }) => local.get(name) ?? []) };
}

/** Where a package file lies as apt sees it: names and versions alone may be those of other files. */
export function localName({
  name,
  architecture,
  sha256,
}: {
  readonly name: string;
  readonly architecture: string;
  readonly sha256: string;
}): string {
  return `${name}_${sha256.slice(0, 16)}_${architecture}.deb`;
}

async function localPackage(deb: LayerSet["debs"][number], store: Store): Promise<LocalPackage> {
  const { name, version, architecture, size, sha256 } = deb;
  const { controlText } = await readDebControl(store.read(deb.object));
  return {
    locked: { name, version, architecture, size, sha256, path: localName(deb), archive: "local" },
    control: controlText,
  };
}
