/** The System of a composed generation: this one's, with the chosen options of the older one. */
import type { System } from "#config/system.ts";
import { AshlarError } from "#errors";
import { canonicalJson } from "#formats/canonical-json.ts";
import type { ComposeErrorCode } from "./errors.ts";
import { withGrains } from "./options.ts";
import type { Root } from "./root.ts";
import { stemOf } from "./selection.ts";
import type { Selection } from "./selection.ts";

export function composeSystem(newer: Root, older: Root, { grains, units }: Selection): System {
  let system = withGrains(newer.system, older.system, grains);
  for (const unit of units) system = withUnit(system, older.system, unit);
  return system;
}

/** Whether a unit starts, which probes ask for it, and which version of its data it writes, goes with the unit. */
function withUnit(system: System, older: System, unit: string): System {
  const { services, health, state } = system;
  const names = (list: readonly string[], other: readonly string[]): string[] => {
    const rest = list.filter((name) => name !== unit);
    return (other.includes(unit) ? [...rest, unit] : rest).sort();
  };
  const stem = stemOf(unit);
  const about = ({ name, command }: System["health"]["commands"][number]): boolean =>
    name === stem || command.some((word) => word === unit || word.split(/[^A-Za-z0-9_-]+/).includes(stem));
  return {
    ...system,
    state: { ...state, ...schemasOf(state, older.state, unit) },
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

/** Images of an older Ashlar have none. */
type State = Partial<Pick<System["state"], "schemas">>;

/** @throws E_COMPOSE_PART when the two generations do not even agree on where the data is */
function schemasOf({ schemas: newer }: State, { schemas: older }: State, unit: string): State {
  const [here, there] = [newer?.[unit], older?.[unit]];
  if (canonicalJson(here?.paths ?? null) !== canonicalJson(there?.paths ?? null))
    throw new AshlarError<ComposeErrorCode>(
      "E_COMPOSE_PART",
      `services.${unit} has its data elsewhere in the older generation (state.schemas)`,
      {
        hint: "go back as a whole (`ashlar rollback`); nothing was changed",
        details: { unit },
      },
    );
  return there === undefined ? {} : { schemas: { ...newer, [unit]: there } };
}
