import type { CommandGroup } from "./commands.ts";
import type { CommandDoc } from "./parameters.ts";
import { describeCommands, usageOf } from "./parameters.ts";

/** `docs/guide/commands.md`: every command with what it takes, from the same table as the help. */
export function commandsGuide(groups: readonly CommandGroup[]): string {
  const sections = groups.map((group) => `## ${group.title}\n\n${describeCommands([group]).map(commandSection).join("\n")}`);
  return `# Commands

Made from the command table by \`make docs\`; do not edit. \`ashlar COMMAND --help\` shows the same in the terminal.

Every command takes \`--json\` (the result as JSON on standard output) and \`--progress auto|plain|json|quiet\` (how progress is
shown on standard error, see [progress events](../formats/progress.md)). Exit codes: 0 done, 1 failed, 2 the command line was
not understood; a command's own codes are listed with it.

${sections.join("\n")}`;
}

function commandSection(doc: CommandDoc): string {
  const own = doc.flags.filter((flag) => flag.name !== "json" && flag.name !== "progress");
  const flags = own.map((flag) => {
    const name = `--${flag.name}${flag.placeholder === undefined ? "" : ` ${flag.placeholder}`}`;
    return `| \`${flag.alias === undefined ? name : `-${flag.alias}, ${name}`}\` | ${cell(flag.brief)} |`;
  });
  const words = doc.arguments.map((argument) => `| \`${cell(argument.placeholder)}\` | ${cell(argument.brief)} |`);
  const rows = [...words, ...flags];
  const codes = Object.entries(doc.entry.exitCodes).map(([code, meaning]) => `Exit code ${code}: ${meaning}\n\n`);
  const examples = doc.entry.examples.map((example) => `ashlar ${example.arguments}  # ${example.does}`).join("\n");
  return `### ${doc.name}

\`\`\`
${usageOf({ ...doc, flags: own })}
\`\`\`

${doc.entry.description}

${rows.length === 0 ? "" : `| | |\n| --- | --- |\n${rows.join("\n")}\n\n`}${codes.join("")}\`\`\`sh
${examples}
\`\`\`
`;
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
