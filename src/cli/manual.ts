import type { CommandGroup } from "./commands.ts";
import type { CommandDoc } from "./parameters.ts";
import { describeCommands, usageOf } from "./parameters.ts";
import { version } from "./version.ts";

/**
 * Manual pages, file name to text, in the macros of man(7).
 * @see https://man7.org/linux/man-pages/man7/man.7.html
 */
export function manualPages(groups: readonly CommandGroup[]): Readonly<Record<string, string>> {
  const docs = describeCommands(groups);
  const pages: Record<string, string> = { "ashlar.1": overviewPage(groups) };
  for (const doc of docs) pages[`${pageName(doc.name)}.1`] = commandPage(doc);
  return pages;
}

function overviewPage(groups: readonly CommandGroup[]): string {
  const sections = groups.flatMap((group) => [
    `.SS ${escape(group.title)}`,
    ...Object.entries(group.commands).flatMap(([name, entry]) => [".TP", `.BR ${escape(pageName(name))} (1)`, escape(entry.brief)]),
  ]);
  return page("ashlar", "one typed file describes a Debian machine", [
    ".SH SYNOPSIS",
    ".B ashlar",
    escape("COMMAND [FLAGS] [ARGUMENTS]"),
    ".SH COMMANDS",
    ...sections,
    ...exitStatus({}),
    ".SH ENVIRONMENT",
    ...term("ASHLAR_CACHE", "Where packages, tools and the store are kept; by default ~/.cache/ashlar."),
    ...term("ASHLAR_MIRROR", "The archive to fetch packages from, instead of the one in this machine's apt sources."),
    ...term("NO_COLOR", "When set, no colours."),
  ]);
}

function commandPage(doc: CommandDoc): string {
  const flags = doc.flags.flatMap((flag) => [
    ".TP",
    `.B ${escape([...(flag.alias === undefined ? [] : [`-${flag.alias}`]), `--${flag.name}`].join(", "))}${flag.placeholder === undefined ? "" : ` ${escape(flag.placeholder)}`}`,
    escape(flag.brief),
  ]);
  const words = doc.arguments.flatMap((argument) => term(argument.placeholder, argument.brief));
  return page(pageName(doc.name), doc.entry.brief, [
    ".SH SYNOPSIS",
    escape(usageOf(doc)),
    ".SH DESCRIPTION",
    escape(doc.entry.description),
    ...(words.length === 0 ? [] : [".SH ARGUMENTS", ...words]),
    ".SH OPTIONS",
    ...flags,
    ...exitStatus(doc.entry.exitCodes),
    ".SH EXAMPLES",
    ...doc.entry.examples.flatMap((example) => term(`ashlar ${example.arguments}`, example.does)),
    ".SH SEE ALSO",
    ".BR ashlar (1)",
  ]);
}

function page(name: string, brief: string, body: readonly string[]): string {
  return [
    `.TH ${escape(name.toUpperCase())} 1 "" "ashlar ${version}"`,
    ".SH NAME",
    `${escape(name)} \\- ${escape(brief)}`,
    ...body,
    "",
  ].join("\n");
}

function exitStatus(more: Readonly<Record<number, string>>): string[] {
  const codes = { 0: "Done.", 1: "Failed; the reason is on standard error.", 2: "The command line was not understood.", ...more };
  return [".SH EXIT STATUS", ...Object.entries(codes).flatMap(([code, meaning]) => term(code, meaning))];
}

function term(name: string, meaning: string): string[] {
  return [".TP", `.B ${escape(name)}`, escape(meaning)];
}

function pageName(command: string): string {
  return `ashlar-${command.replaceAll(" ", "-")}`;
}

/** Backslashes, hyphens that must stay ASCII, and control characters at the start of a line. */
function escape(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^(?=[.'])/gm, "\\&");
}
