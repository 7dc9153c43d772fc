/** Commands about whether a generation works. */
import type { CommandTable } from "../command.ts";

export const USAGE = `  ashlar health                    run the health probes of this system`;

export const trial: CommandTable = {
  health: { options: {}, operands: [0, 0], run: async (context) => (await import("../commands/health.ts")).health(context) },
};
