import type { ApplicationText, Command, RouteMap } from "@stricli/core";
import { ArgumentScannerError, buildApplication, buildRouteMap, formatMessageForArgumentScannerError, run, text_en } from "@stricli/core";
import { AshlarError, messageOf } from "#errors";
import { renderError } from "#report/error.ts";
import { wantsColors } from "#report/renderer.ts";
import type { CliContext, Environment } from "./context.ts";
import { commandGroups } from "./commands.ts";
import type { CommandGroup } from "./commands.ts";
import { formatOverview } from "./overview.ts";
import { version } from "./version.ts";

export type CliErrorCode = "E_CLI_UNKNOWN_COMMAND" | "E_CLI_USAGE";

/** The command line was not understood; the same number as for shell built-ins. */
const EXIT_USAGE = 2;

/**
 * Runs one command line and returns its exit code: 0 done, 1 failed, 2 not understood, others as the command documents.
 * @param args what was typed after `ashlar`
 * @param groups the command table
 */
export async function runCommandLine(
  args: readonly string[],
  environment: Environment,
  groups: readonly CommandGroup[] = commandGroups,
): Promise<number> {
  const app = buildApplication<CliContext>(rootOf(groups), {
    name: "ashlar",
    versionInfo: { currentVersion: version },
    scanner: { caseStyle: "allow-kebab-for-camel", allowArgumentEscapeSequence: true },
    documentation: { disableAnsiColor: true, onlyRequiredInUsageLine: true },
    localization: { text: textFor(args, environment) },
  });
  const process: CliContext["process"] = { stdout: environment.stdout, stderr: environment.stderr, env: environment.env };
  await run<CliContext>(app, args, { process, environment, groups });
  const exitCode = Number(process.exitCode ?? 0);
  // stricli uses negative numbers for command lines that it could not read.
  return exitCode < 0 ? EXIT_USAGE : exitCode;
}

function rootOf(groups: readonly CommandGroup[]): RouteMap<CliContext> {
  const routes: Record<string, RouteMap<CliContext> | Command<CliContext>> = {};
  for (const [name, entry] of groups.flatMap((group) => Object.entries(group.commands))) {
    const [noun, verb] = name.split(" ");
    if (noun !== undefined) routes[noun] = verb === undefined ? entry.command : groupRoute(noun, groups);
  }
  const root = buildRouteMap<string, CliContext>({
    routes,
    docs: { brief: "Describe, build, boot, update and roll back Debian machines" },
  });
  return { ...root, formatHelp: () => formatOverview(groups) };
}

/** `keys init` is the route `init` below the route `keys`. */
function groupRoute(noun: string, groups: readonly CommandGroup[]): RouteMap<CliContext> {
  const entries = groups.flatMap((group) => Object.entries(group.commands)).filter(([name]) => name.startsWith(`${noun} `));
  const routes = Object.fromEntries(entries.map(([name, entry]) => [name.slice(noun.length + 1), entry.command]));
  return buildRouteMap<string, CliContext>({ routes, docs: { brief: entries.map(([, entry]) => entry.brief).join("; ") } });
}

function textFor(args: readonly string[], { stderr, env }: Environment): ApplicationText {
  const mode = args.includes("--json") ? "json" : "text";
  const render = (error: unknown): string => renderError(error, mode, wantsColors(stderr, env));
  const [first = ""] = args;
  return {
    ...text_en,
    noCommandRegisteredForInput: ({ input, corrections }) =>
      render(
        new AshlarError<CliErrorCode>("E_CLI_UNKNOWN_COMMAND", `there is no command "${input}"`, {
          hint: corrections.length === 0 ? "ashlar --help lists the commands" : `did you mean ${corrections.join(" or ")}?`,
        }),
      ),
    exceptionWhileParsingArguments: (error) =>
      render(
        new AshlarError<CliErrorCode>(
          "E_CLI_USAGE",
          error instanceof ArgumentScannerError ? formatMessageForArgumentScannerError(error, {}) : messageOf(error),
          { hint: `ashlar ${first} --help shows what ${first} takes` },
        ),
      ),
    exceptionWhileRunningCommand: render,
    exceptionWhileLoadingCommandFunction: render,
    exceptionWhileLoadingCommandContext: render,
  };
}
