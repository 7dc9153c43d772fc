/** What one changed path means for the running system. */
import type { Cost } from "./cost.ts";
import type { Facts } from "./facts.ts";
import type { KnownUnit } from "./known-units.ts";
import type { Packages } from "./packages.ts";
import { RULES, SILENT } from "./rules.ts";
import type { Action } from "./rules.ts";
import { isFolder } from "./tree.ts";
import type { Tree } from "./tree.ts";

export interface Effect {
  readonly cost: Cost;
  readonly why: string;
  readonly action?: Action;
  readonly unit?: string;
  readonly verb?: "reload" | "restart";
}

export interface EffectContext {
  readonly from: Tree;
  readonly to: Tree;
  readonly facts: Facts;
  readonly units: readonly KnownUnit[];
  /** Of the tree that comes. */
  readonly packages: Packages;
}

/** All that a change of this path asks for; empty when whoever reads it next sees the new one. */
export function effectsOf(path: string, { from, to, facts, units, packages }: EffectContext): Effect[] {
  if (SILENT.some(({ pattern }) => pattern.test(path))) return [];
  const effects: Effect[] = [];
  if (!/^\/(?:usr|etc)(?:\/|$)/.test(path) && !(isFolder(to, path) && isFolder(from, path)))
    effects.push({ cost: "soft-reboot", why: `${path} lies outside of /usr and /etc` });
  const rule = RULES.find(({ pattern }) => pattern.test(path));
  if (rule !== undefined)
    effects.push({ cost: rule.cost, why: `${path}: ${rule.why}`, ...(rule.action === undefined ? {} : { action: rule.action }) });
  if (facts.init.has(path)) effects.push({ cost: "soft-reboot", why: `systemd itself has ${path} in its memory` });
  const owner = packages.ownerOf(path);
  for (const unit of units) {
    const effect = effectOn(unit, path, owner);
    if (effect !== undefined) effects.push(effect);
  }
  return effects;
}

function effectOn(unit: KnownUnit, path: string, owner: string | undefined): Effect | undefined {
  const { name } = unit;
  const restart = (why: string): Effect => ({ cost: "restart", unit: name, verb: "restart", why: `${path}: ${why}` });
  if (unit.paths.has(path)) return restart("its unit file");
  if (!name.endsWith(".service")) return undefined;
  if (unit.runs.has(path)) return restart("it runs this");
  if (unit.mapped.has(path)) return restart("in its memory");
  // What the manager reads of a package is in the table of rules.
  const own = owner !== undefined && unit.packages.has(owner) && !path.includes("/systemd/");
  if (own && path.startsWith("/usr/")) return restart("of its package");
  if (!(own && path.startsWith("/etc/")) && ![unit.stem, ...unit.packages].some((each) => isConfigOf(each, path))) return undefined;
  if (!unit.canReload || path.startsWith("/etc/default/")) return restart("its configuration");
  return { cost: "reload", unit: name, verb: "reload", why: `${path}: its configuration` };
}

function isConfigOf(name: string, path: string): boolean {
  const own = name.replace(/^systemd-/, "");
  if (own !== name && new RegExp(`^/(?:etc|usr/lib)/systemd/${own}\\.conf(?:\\.d/|$)`).test(path)) return true;
  if (path.startsWith(`/etc/${name}/`) || path.startsWith(`/etc/${name}.d/`)) return true;
  return path === `/etc/${name}.conf` || path === `/etc/default/${name}`;
}
