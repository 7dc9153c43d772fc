/** Commands about what was changed by hand. */
import { FLAG, TEXT, usage, wholeNumber } from "../command.ts";
import type { AgentCommand, CommandTable, Values } from "../command.ts";
import type { AgentContext, AgentResult } from "../context.ts";

export const USAGE = `  ashlar drift [NAME…] [--diff]    what differs from the generation, by whom
         [--check]                 end with 4 when something does
  ashlar drift allow NAME --until DAY [--because TEXT]
  ashlar drift allow NAME --remove
  ashlar drift revert NAME…        as the generation has it again
  ashlar drift export NAME…        for \`ashlar adopt\` on the build host
  ashlar drift adopt NAME… --config FILE [--dry-run]
                                   into a .yaml or .json on this machine
  ashlar drift recover [N [PATH…]] what was lost at a stop; put it back
  ashlar drift keep                keep what this stop would lose (a unit does)
  ashlar edit [-- COMMAND…]        a shell, or a command, that may change /usr
         --adopt | --keep | --drop what to do with the changes; asked otherwise`;

const MANY = Number.MAX_SAFE_INTEGER;

type Answer = (context: AgentContext, names: readonly string[], values: Values) => Promise<AgentResult>;

/** First words after \`drift\`; what begins with "/" or is none of these is a name. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  allow: async (context, names, { until, because, remove }) => {
    const [name, ...more] = names;
    if (name === undefined || more.length > 0) throw usage("ashlar drift allow takes one NAME");
    if (remove !== true && typeof until !== "string") throw usage("--until DAY is missing: nothing is allowed for ever");
    return (await import("../commands/drift.ts")).allow(context, name, {
      ...(typeof until === "string" ? { until } : {}),
      ...(typeof because === "string" ? { because } : {}),
      remove: remove === true,
    });
  },
  revert: async (context, names) => (await import("../commands/drift-answers.ts")).revert(context, needed(names)),
  export: async (context, names, { secrets }) =>
    (await import("../commands/drift-answers.ts")).exportTo(context, needed(names), secrets === true),
  adopt: async (context, names, { config, secrets, "dry-run": dryRun }) => {
    if (typeof config !== "string") throw usage("--config FILE is missing");
    const options = { config, secrets: secrets === true, dryRun: dryRun === true };
    return (await import("../commands/drift-answers.ts")).adopt(context, needed(names), options);
  },
  recover: async (context, [number, ...paths], { all }) =>
    (await import("../commands/drift-answers.ts")).recover(
      context,
      number === undefined ? undefined : wholeNumber(number, "what was lost"),
      paths,
      all === true,
    ),
  keep: async (context) => (await import("../commands/drift-answers.ts")).keep(context),
};

const driftCommand: AgentCommand = {
  options: {
    diff: FLAG,
    check: FLAG,
    until: TEXT,
    because: TEXT,
    remove: FLAG,
    secrets: FLAG,
    config: TEXT,
    "dry-run": FLAG,
    all: FLAG,
  },
  operands: [0, MANY],
  run: async (context, values, operands) => {
    const [word = "", ...names] = operands;
    const answer = Object.hasOwn(ANSWERS, word) ? ANSWERS[word] : undefined;
    if (answer !== undefined) return answer(context, names, values);
    const options = { names: operands, diff: values["diff"] === true, check: values["check"] === true };
    return (await import("../commands/drift.ts")).drift(context, options);
  },
};

export const drift: CommandTable = {
  drift: driftCommand,
  edit: {
    options: { adopt: FLAG, keep: FLAG, drop: FLAG },
    operands: [0, MANY],
    run: async (context, { adopt, keep, drop }, command) => {
      const answers = [adopt === true ? "adopt" : [], keep === true ? "keep" : [], drop === true ? "drop" : []].flat() as Answered[];
      if (answers.length > 1) throw usage("--adopt, --keep and --drop exclude each other");
      return (await import("../commands/edit.ts")).edit(context, { command, ...(answers[0] === undefined ? {} : { answer: answers[0] }) });
    },
  },
};

type Answered = "adopt" | "keep" | "drop";

function needed(names: readonly string[]): readonly string[] {
  if (names.length === 0) throw usage("a NAME is missing: a path, a unit, a kernel parameter");
  return names;
}
