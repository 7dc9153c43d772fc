/** Commands about the machine's data. */
import { FLAG, usage, wholeNumber } from "../command.ts";
import type { AgentContext, AgentResult } from "../context.ts";
import type { CommandTable } from "../command.ts";

export const USAGE = `  ashlar state                     where data is, whose it is, how it grows
  ashlar state unknown             files under /var that nothing declares
  ashlar state keep PATH           keep one; state forget PATH takes it back
  ashlar state snapshots           copies of services' data, and its versions
  ashlar state recover [N] [PATH]  what an ephemeral /var left behind
  ashlar reset [--keep-state]      back to the generation that was installed,
         --yes [--reboot]          and erase all data of this machine`;

const WORDS = "state, state unknown, state keep PATH, state forget PATH, state snapshots, state recover [N] [PATH], state check UNIT";

export const state: CommandTable = {
  state: { options: {}, operands: [0, 3], run: (context, _values, operands) => runState(context, operands) },
  reset: {
    options: { "keep-state": FLAG, yes: FLAG, reboot: FLAG, finish: FLAG },
    operands: [0, 0],
    run: async (context, values) => {
      const { reset, finish } = await import("../commands/reset.ts");
      if (values["finish"] === true) return finish(context);
      return reset(context, { keepState: values["keep-state"] === true, yes: values["yes"] === true, reboot: values["reboot"] === true });
    },
  },
};

async function runState(context: AgentContext, [verb, ...rest]: readonly string[]): Promise<AgentResult> {
  if (verb === undefined || verb === "unknown") {
    refuseMore(rest);
    const commands = await import("../commands/state.ts");
    return verb === undefined ? commands.state(context) : commands.unknown(context);
  }
  if (verb === "keep" || verb === "forget") {
    const commands = await import("../commands/state.ts");
    return commands[verb](context, one(rest, "a path"));
  }
  const copies = await import("../commands/state-copies.ts");
  if (verb === "check") return copies.check(context, one(rest, "the name of a service"));
  if (verb === "snapshots") {
    refuseMore(rest);
    return copies.snapshots(context);
  }
  if (verb !== "recover") throw usage(`there is no \`state ${verb}\`; there are: ${WORDS}`);
  const [first, second] = rest;
  if (first === undefined) return copies.recover(context, {});
  if (second === undefined && first.startsWith("/")) return copies.recover(context, { path: first });
  return copies.recover(context, { number: wholeNumber(first, "the number of a tree"), ...(second === undefined ? {} : { path: second }) });
}

function one([argument, ...more]: readonly string[], what: string): string {
  if (argument === undefined) throw usage(`${what} is missing`);
  refuseMore(more);
  return argument;
}

function refuseMore(rest: readonly string[]): void {
  if (rest.length > 0) throw usage(`${rest[0]} is one argument too many`);
}
