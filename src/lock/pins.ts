/** Which versions of the lock so far are to stay when a system is resolved again. */
import { dirname } from "node:path";
import { parseDependencies } from "#formats/dependency.ts";
import type { Catalog } from "#archive/catalog.ts";
import { BUILTIN } from "#archive/builtin.ts";
import type { Lock, LockedPackage } from "./lock.ts";

export interface PinContext {
  readonly previous: Lock | undefined;
  readonly upgrade?: "all" | readonly string[] | undefined;
  readonly catalog: Catalog;
}

export interface PinChoices {
  /** Everything but what is to move, and others built from the same source, which often must have the same version. */
  readonly careful: readonly LockedPackage[];
  /** Also without what the moving packages depend on. */
  readonly loose: readonly LockedPackage[];
}

/** What to keep when `request` is resolved again; undefined when nothing is to be kept. */
export function pinChoices(request: Lock["request"], { previous, upgrade, catalog }: PinContext): PinChoices | undefined {
  if (previous === undefined || upgrade === "all") return undefined;
  const packages = previous.packages.filter(({ archive }) => archive !== BUILTIN);
  const before = new Set(packages.map(({ name }) => name));
  const moving = new Set([...(upgrade ?? []), ...request.packages.filter((name) => !before.has(name))]);
  const sources = new Set(packages.filter(({ name }) => moving.has(name)).map(({ path }) => dirname(path)));
  const careful = packages.filter(({ name, path }) => !moving.has(name) && !sources.has(dirname(path)));
  const reachable = dependenciesOf(moving, catalog);
  return { careful, loose: careful.filter(({ name }) => !reachable.has(name)) };
}

function dependenciesOf(names: ReadonlySet<string>, catalog: Catalog): Set<string> {
  const reached = new Set<string>();
  const queue = [...names];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    const [newest] = catalog.candidates(name);
    if (newest === undefined) continue;
    for (const field of [newest.preDepends, newest.depends])
      queue.push(
        ...parseDependencies(field)
          .flat()
          .map((relation) => relation.name),
      );
  }
  return reached;
}
