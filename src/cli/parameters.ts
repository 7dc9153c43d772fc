import type { Command } from "@stricli/core";
import type { CommandGroup } from "./commands.ts";
import type { CommandEntry } from "./command.ts";
import type { CliContext } from "./context.ts";

/** A flag as documentation and completion need it. */
export interface FlagDoc {
  /** Without dashes, in kebab case. */
  readonly name: string;
  readonly alias: string | undefined;
  readonly brief: string;
  /** What its value is called; undefined for a switch. */
  readonly placeholder: string | undefined;
  readonly values: readonly string[];
}

export interface ArgumentDoc {
  readonly placeholder: string;
  readonly brief: string;
  readonly optional: boolean;
  readonly repeated: boolean;
}

export interface CommandDoc {
  /** "keys init" */
  readonly name: string;
  readonly entry: CommandEntry;
  readonly flags: readonly FlagDoc[];
  readonly arguments: readonly ArgumentDoc[];
}

/** The commands of the table with what they take, in the table's order. */
export function describeCommands(groups: readonly CommandGroup[]): readonly CommandDoc[] {
  return groups.flatMap((group) =>
    Object.entries(group.commands).map(([name, entry]) => ({
      name,
      entry,
      flags: flagsOf(entry.command),
      arguments: argumentsOf(entry.command),
    })),
  );
}

/** `ashlar keys init [--plain] DIR` */
export function usageOf(doc: CommandDoc): string {
  const flags = doc.flags.map((flag) => `[--${flag.name}${flag.placeholder === undefined ? "" : ` ${flag.placeholder}`}]`);
  const words = doc.arguments.map((argument) => {
    const word = argument.repeated ? `${argument.placeholder}…` : argument.placeholder;
    return argument.optional ? `[${word}]` : word;
  });
  return ["ashlar", doc.name, ...flags, ...words].join(" ");
}

function flagsOf(command: Command<CliContext>): readonly FlagDoc[] {
  const aliases = Object.entries(command.parameters.aliases ?? {});
  return Object.entries(command.parameters.flags ?? {}).map(([name, flag]) => {
    const values = flag.kind === "enum" ? flag.values : [];
    const takesValue = flag.kind === "enum" || flag.kind === "parsed";
    return {
      name: name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      alias: aliases.find(([, target]) => target === name)?.[0],
      brief: flag.brief,
      placeholder: takesValue ? (flag.placeholder ?? (values.length > 0 ? values.join("|") : "VALUE")) : undefined,
      values,
    };
  });
}

function argumentsOf(command: Command<CliContext>): readonly ArgumentDoc[] {
  const positional = command.parameters.positional;
  if (positional === undefined) return [];
  const repeated = positional.kind === "array";
  const parameters = positional.kind === "array" ? [positional.parameter] : positional.parameters;
  return parameters.map((parameter) => ({
    placeholder: parameter.placeholder ?? "ARGUMENT",
    brief: parameter.brief,
    optional: repeated || parameter.optional === true || parameter.default !== undefined,
    repeated,
  }));
}
