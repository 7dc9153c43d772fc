import type { CommandEntry } from "./command.ts";
import { completionCommand } from "./commands/completion.ts";
import { manCommand } from "./commands/man.ts";

export interface CommandGroup {
  readonly title: string;
  /** Command words ("key create") to their entries. */
  readonly commands: Readonly<Record<string, CommandEntry>>;
}

/** The command table: help, completion, manual pages and the guide are all made from it. */
export const commandGroups: readonly CommandGroup[] = [
  {
    title: "Set up your shell",
    commands: { completion: completionCommand, man: manCommand },
  },
];
