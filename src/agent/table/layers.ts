/** Commands about packages and folders that this machine has on top of what was released. */
import { usage } from "../command.ts";
import type { CommandTable } from "../command.ts";

export const USAGE = `  ashlar layer list                what this machine adds to the release
  ashlar layer add NAME…           packages, FILE.deb, or a FOLDER laid out as /
  ashlar layer remove NAME…        take some away again`;

const MANY = 256;

export const layers: CommandTable = {
  layer: {
    options: {},
    operands: [1, MANY],
    missing: "add, remove or list",
    run: async (context, _values, [verb, ...names]) => {
      const commands = await import("../commands/layer.ts");
      if (verb === "list" && names.length === 0) return commands.list(context);
      if (verb !== "add" && verb !== "remove")
        throw usage(`ashlar layer takes add NAME…, remove NAME… or list, not ${JSON.stringify(verb)}`);
      if (names.length === 0) throw usage(`ashlar layer ${verb} needs the name of a package, a FILE.deb or a FOLDER`);
      return verb === "add" ? commands.add(context, names) : commands.remove(context, names);
    },
  },
};
