/** The System of a composed generation: this one's, with the chosen options of the older one. */
import type { System } from "#config/system.ts";
import { withGrains } from "./options.ts";
import type { Root } from "./root.ts";
import { stemOf } from "./selection.ts";
import type { Selection } from "./selection.ts";

export function composeSystem(newer: Root, older: Root, { grains, units }: Selection): System {
  let system = withGrains(newer.system, older.system, grains);
  for (const unit of units) system = withUnit(system, older.system, unit);
  return system;
}

/** Whether a unit starts, and which probes ask for it, goes with the unit. */
function withUnit(system: System, older: System, unit: string): System {
  const { services, health } = system;
  const names = (list: readonly string[], other: readonly string[]): string[] => {
    const rest = list.filter((name) => name !== unit);
    return (other.includes(unit) ? [...rest, unit] : rest).sort();
  };
  const stem = stemOf(unit);
  const about = ({ name, command }: System["health"]["commands"][number]): boolean =>
    name === stem || command.some((word) => word === unit || word.split(/[^A-Za-z0-9_-]+/).includes(stem));
  return {
    ...system,
    services: {
      enable: names(services.enable, older.services.enable),
      disable: names(services.disable, older.services.disable),
      mask: names(services.mask, older.services.mask),
    },
    health: {
      ...health,
      units: names(health.units, older.health.units),
      commands: [...health.commands.filter((probe) => !about(probe)), ...older.health.commands.filter(about)],
    },
  };
}
