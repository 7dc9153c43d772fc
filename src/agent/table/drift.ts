/** Commands about what was changed by hand. */
import type { CommandTable } from "../command.ts";

export const USAGE = `  ashlar drift                     what was changed by hand under /etc`;

export const drift: CommandTable = {
  drift: { options: {}, operands: [0, 0], run: async (context) => (await import("../commands/drift.ts")).drift(context) },
};
