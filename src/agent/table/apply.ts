/** Commands that bring the running system to another generation without waiting for a restart. */
import type { Way } from "#apply/plan/plan.ts";
import { FLAG, TEXT, usage, wholeNumber } from "../command.ts";
import type { CommandTable, Values } from "../command.ts";

export const USAGE = `  ashlar plan [N]                  what the next generation, or N, changes, and its cost
  ashlar apply [N]                 run it, with the least interruption that is enough
         [--live|--soft-reboot     or with this one
          |--kexec|--reboot]
         [--undo]                  put back what an interrupted apply left`;

/** Written here again, so that the help does not load all that makes plans. */
const WAYS = ["live", "soft-reboot", "kexec", "reboot"] as const satisfies readonly Way[];

export const apply: CommandTable = {
  plan: {
    options: {},
    operands: [0, 1],
    run: async (context, _values, [number]) =>
      (await import("../commands/plan.ts")).plan(context, number === undefined ? undefined : wholeNumber(number, "a generation")),
  },
  apply: {
    options: { live: FLAG, "soft-reboot": FLAG, kexec: FLAG, reboot: FLAG, undo: FLAG, confirm: TEXT },
    operands: [0, 1],
    run: async (context, values, [number]) => {
      const commands = await import("../commands/apply.ts");
      if (values["undo"] === true) return commands.undo(context);
      const way = wayOf(values);
      return commands.apply(context, {
        ...(number === undefined ? {} : { generation: wholeNumber(number, "a generation") }),
        ...(way === undefined ? {} : { way }),
      });
    },
  },
};

function wayOf(values: Values): Way | undefined {
  const given = WAYS.filter((way) => values[way] === true);
  if (given.length > 1) throw usage(`--${given.join(" and --")} exclude each other`);
  return given[0];
}
