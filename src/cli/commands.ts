import type { CommandEntry } from "./command.ts";
import { buildCommand } from "./commands/build.ts";
import { checkCommand } from "./commands/check.ts";
import { completionCommand } from "./commands/completion.ts";
import { dumpCommand } from "./commands/dump.ts";
import { imagesCommand } from "./commands/images.ts";
import { manCommand } from "./commands/man.ts";
import { schemaCommand } from "./commands/schema.ts";

export interface CommandGroup {
  readonly title: string;
  /** Command words ("key create") to their entries. */
  readonly commands: Readonly<Record<string, CommandEntry>>;
}

/** The command table: help, completion, manual pages and the guide are all made from it. */
export const commandGroups: readonly CommandGroup[] = [
  {
    title: "Describe a machine",
    commands: { check: checkCommand, schema: schemaCommand },
  },
  {
    title: "Build it",
    commands: { build: buildCommand, images: imagesCommand, dump: dumpCommand },
  },
  {
    title: "Set up your shell",
    commands: { completion: completionCommand, man: manCommand },
  },
];
