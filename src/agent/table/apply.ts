/** Commands that bring the running system to another generation without waiting for a restart. */
import type { Way } from "#apply/plan/plan.ts";
import { FLAG, TEXT, usage, wholeNumber } from "../command.ts";
import type { CommandTable, Values } from "../command.ts";

export const USAGE = `  ashlar plan [N]                  what the next one, or N, changes; its cost
  ashlar apply [N]                 run it with the least interruption
         [--live|--soft-reboot     or with this one
          |--kexec|--reboot]
         [--confirm 2m]            take it back unless a new login confirms
         [--undo]                  put back what an interrupted apply left
  ashlar confirm                   keep what was applied with --confirm`;

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
    options: { live: FLAG, "soft-reboot": FLAG, kexec: FLAG, reboot: FLAG, undo: FLAG, settle: FLAG, revert: FLAG, confirm: TEXT },
    operands: [0, 1],
    run: async (context, values, [number]) => {
      const commands = await import("../commands/apply.ts");
      if (values["undo"] === true) return commands.undo(context);
      // For units: after a start, and when nobody confirmed.
      if (values["settle"] === true) return (await import("../apply/settle.ts")).settle(context);
      if (values["revert"] === true) return (await import("../apply/settle.ts")).revert(context);
      const way = wayOf(values);
      return commands.apply(context, {
        ...(number === undefined ? {} : { generation: wholeNumber(number, "a generation") }),
        ...(way === undefined ? {} : { way }),
        ...(typeof values["confirm"] === "string" ? { confirm: secondsOf(values["confirm"]) } : {}),
      });
    },
  },
  confirm: { options: {}, operands: [0, 0], run: async (context) => (await import("../commands/confirm.ts")).confirm(context) },
};

const UNITS: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600 };
const DAY = 86_400;

/** "90", "90s", "2m", "1h" */
function secondsOf(text: string): number {
  const [, number, unit = ""] = /^(\d{1,5})([smh]?)$/.exec(text) ?? [];
  const seconds = Number(number) * (UNITS[unit] ?? Number.NaN);
  if (!(seconds >= 1 && seconds <= DAY)) throw usage(`--confirm takes a time as 90s or 2m, up to a day, not ${JSON.stringify(text)}`);
  return seconds;
}

function wayOf(values: Values): Way | undefined {
  const given = WAYS.filter((way) => values[way] === true);
  if (given.length > 1) throw usage(`--${given.join(" and --")} exclude each other`);
  return given[0];
}
