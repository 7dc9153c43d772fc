/** What a rollback means for services' data: newer data is a reason to stop until somebody says what becomes of it. */
import type { System } from "#config/system.ts";
import type { Machine } from "#deployment/machine.ts";
import { AshlarError } from "#errors";
import type { StateErrorCode } from "./errors.ts";
import { tooNew, usableSnapshot } from "./schema-check.ts";
import { readSchemas, writeSchema } from "./schemas.ts";

/** "restore" puts back the copies, "keep" starts on the data as it is. */
export type StateChoice = "restore" | "keep";

export interface StateReturn {
  readonly unit: string;
  /** Version of the data, and the one that the target's service reads. */
  readonly from: number;
  readonly to: number;
  readonly choice: StateChoice;
}

/**
 * Notes for the target's first start what becomes of data that is too new for it. Nothing is written when one service refuses.
 * @param target the System of the generation that is to start next
 * @returns the services that it concerns
 * @throws E_STATE_TOO_NEW without a choice; E_STATE_NONE when there is no copy to put back; E_STATE_UNREADABLE
 */
export function prepareReturn(machine: Pick<Machine, "sysroot">, target: System, choice?: StateChoice): StateReturn[] {
  const known = readSchemas(machine);
  const concerned = Object.entries(target.state.schemas).flatMap(([unit, schema]) => {
    const ran = known[unit];
    return ran === undefined ? [] : [{ unit, schema, ran, snapshot: usableSnapshot(machine, unit, schema.version) }];
  });
  const returns = concerned.filter(({ ran, schema }) => ran.version > schema.version);
  for (const { unit, schema, ran, snapshot } of returns) {
    if (choice === undefined) throw tooNew(unit, ran, schema, snapshot);
    if (choice === "restore" && snapshot === undefined)
      throw new AshlarError<StateErrorCode>(
        "E_STATE_NONE",
        `${unit}: there is no copy of its data that version ${schema.version} can read`,
        {
          hint: "`ashlar state snapshots` lists the copies; `--keep-state` starts on the data as it is",
          details: { unit, version: schema.version },
        },
      );
  }
  for (const { unit, schema, ran } of concerned) {
    const { version, generation } = ran;
    const note = ran.version <= schema.version ? {} : choice === "restore" ? { restore: schema.version } : { accepted: schema.version };
    // What an earlier rollback noted, and never came to, is void.
    if (Object.keys(note).length > 0 || ran.restore !== undefined || ran.accepted !== undefined)
      writeSchema(machine, unit, { version, generation, ...note });
  }
  return returns.map(({ unit, schema, ran }) => ({ unit, from: ran.version, to: schema.version, choice: choice ?? "keep" }));
}
