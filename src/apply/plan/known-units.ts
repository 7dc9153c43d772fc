/** The running units with what both trees say of them, and the units that come and go. */
import { posix } from "node:path";
import type { Facts } from "./facts.ts";
import type { Packages } from "./packages.ts";
import { KEPT_UNITS } from "./rules.ts";
import { linkTarget } from "./tree.ts";
import type { Tree } from "./tree.ts";
import { unitsOf } from "./units.ts";
import type { UnitFile } from "./units.ts";

/** A running unit that may be restarted. */
export interface KnownUnit {
  readonly name: string;
  /** "nginx" of "nginx.service", by which its folder below /etc is known. */
  readonly stem: string;
  readonly canReload: boolean;
  /** Its unit files in either tree. */
  readonly paths: ReadonlySet<string>;
  /** Programs that it starts, by the path where they really lie. */
  readonly runs: ReadonlySet<string>;
  /** The packages of those. */
  readonly packages: ReadonlySet<string>;
  readonly mapped: ReadonlySet<string>;
}

export interface UnitChange {
  readonly unit: string;
  readonly verb: "start" | "stop";
  readonly why: string;
}

export interface UnitSets {
  readonly known: readonly KnownUnit[];
  /** Units that the new tree starts and the old one did not, and the reverse. */
  readonly changes: readonly UnitChange[];
}

/** @param packages of the tree that comes */
export function unitSets(trees: { readonly from: Tree; readonly to: Tree }, facts: Facts, packages: Packages): UnitSets {
  const [before, after] = [unitsOf(trees.from), unitsOf(trees.to)];
  const known: KnownUnit[] = [];
  const changes: UnitChange[] = [];
  const active = new Set(facts.units.map(({ name }) => name));
  for (const unit of [...after.enabled].sort())
    if (!before.enabled.has(unit) && !active.has(unit) && after.unit(unit)?.masked === false)
      changes.push({ unit, verb: "start", why: "it is enabled now" });
  for (const { name, type, canReload, mapped } of facts.units) {
    if (KEPT_UNITS.test(name)) continue;
    const [old, now] = [before.unit(name), after.unit(name)];
    const gone = old?.masked === false ? whyGone(now, before.enabled.has(name) && !after.enabled.has(name)) : undefined;
    if (gone !== undefined) changes.push({ unit: name, verb: "stop", why: gone });
    // A service that has done its work, a mount and a target have nothing to restart; systemd knowing the new file is enough.
    else if (/\.(?:service|socket|timer|path)$/.test(name) && type !== "oneshot") {
      const runs = new Set([...(old?.runs ?? []), ...(now?.runs ?? [])].flatMap((path) => [real(trees.from, path), real(trees.to, path)]));
      known.push({
        name,
        stem: name.replace(/(?:@.*)?\.service$/, ""),
        canReload,
        paths: new Set([...(old?.paths ?? []), ...(now?.paths ?? [])]),
        runs,
        packages: new Set([...runs].flatMap((path) => packages.ownerOf(path) ?? [])),
        mapped,
      });
    }
  }
  return { known, changes: changes.sort((a, b) => (a.unit < b.unit ? -1 : 1)) };
}

function whyGone(now: UnitFile | undefined, disabled: boolean): string | undefined {
  if (now === undefined) return "its unit file is gone";
  if (now.masked) return "it is masked now";
  return disabled ? "it is not enabled any more" : undefined;
}

/** Follows the links of merged /usr and of the last component. */
function real(tree: Tree, path: string): string {
  const lexical = path.replace(/^\/(bin|sbin|lib|lib64)(?=\/)/, "/usr/$1");
  const target = linkTarget(tree, lexical);
  return target === undefined ? lexical : posix.resolve(posix.dirname(lexical), target);
}
