/** What a live change does after the switch, each thing once. */
import type { Effect } from "./effects.ts";
import type { UnitChange } from "./known-units.ts";
import { ACTIONS } from "./rules.ts";
import type { Action } from "./rules.ts";

export interface Jobs {
  /** In the order in which they are done. */
  readonly actions: readonly Action[];
  readonly stop: readonly string[];
  readonly reload: readonly string[];
  readonly restart: readonly string[];
  readonly start: readonly string[];
}

export function jobsOf(effects: readonly Effect[], units: readonly UnitChange[]): Jobs {
  const wanted = new Set(effects.flatMap(({ action }) => action ?? []));
  const stop = sorted(units.flatMap(({ unit, verb }) => (verb === "stop" ? [unit] : [])));
  const restart = sorted(effects.flatMap(({ unit, verb }) => (verb === "restart" && unit !== undefined ? [unit] : []))).filter(
    (unit) => !stop.includes(unit),
  );
  return {
    actions: ACTIONS.filter((action) => wanted.has(action)),
    stop,
    restart,
    reload: sorted(effects.flatMap(({ unit, verb }) => (verb === "reload" && unit !== undefined ? [unit] : []))).filter(
      (unit) => !stop.includes(unit) && !restart.includes(unit),
    ),
    start: sorted(units.flatMap(({ unit, verb }) => (verb === "start" ? [unit] : []))),
  };
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
