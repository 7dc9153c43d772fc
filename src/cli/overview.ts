import type { CommandGroup } from "./commands.ts";

/** What `ashlar --help` prints: the commands under their groups, in the order in which a newcomer needs them. */
export function formatOverview(groups: readonly CommandGroup[]): string {
  const width = Math.max(...groups.flatMap((group) => Object.keys(group.commands).map((name) => name.length)));
  const sections = groups.map((group) => {
    const lines = Object.entries(group.commands).map(([name, entry]) => `  ${name.padEnd(width)}  ${entry.brief}`);
    return [group.title, ...lines].join("\n");
  });
  return `Ashlar: one typed file describes a Debian machine.

USAGE
  ashlar COMMAND [FLAGS] [ARGUMENTS]

${sections.join("\n\n")}

  ashlar COMMAND --help   what a command takes, with examples
  ashlar --version        the version of Ashlar

Every command takes --json (the result as JSON on standard output) and
--progress auto|plain|json|quiet (how progress is shown on standard error).
Exit codes: 0 done, 1 failed, 2 the command line was not understood.
`;
}
