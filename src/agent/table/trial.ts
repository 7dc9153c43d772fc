/** Commands about whether a generation works. */
import { FLAG, wholeNumber } from "../command.ts";
import type { CommandTable } from "../command.ts";

export const USAGE = `  ashlar health [--judge]          run the health probes; end a failed trial
  ashlar why-failed [N]            why the last failed generation, or N, is bad
  ashlar condemn [REASON]          end the trial of what runs: it is bad
  ashlar recovery                  Failsafe and Factory reset of the boot menu
                                   start the newest good generation`;

export const trial: CommandTable = {
  health: {
    options: { judge: FLAG },
    operands: [0, 0],
    run: async (context, { judge }) => (await import("../commands/health.ts")).health(context, { judge: judge === true }),
  },
  "why-failed": {
    options: {},
    operands: [0, 1],
    run: async (context, _values, [number]) =>
      (await import("../commands/why-failed.ts")).whyFailed(
        context,
        number === undefined ? undefined : wholeNumber(number, "a generation"),
      ),
  },
  condemn: {
    options: {},
    operands: [0, 1],
    run: async (context, _values, [reason]) => (await import("../commands/health.ts")).condemn(context, reason),
  },
  recovery: {
    options: {},
    operands: [0, 0],
    run: async (context) => (await import("../commands/recovery.ts")).recovery(context),
  },
};
