/** A `system.ts` as a document: its value, positions for errors, and what went wrong in words. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { AshlarError } from "#errors";
import type { Document } from "../document.ts";
import { syntaxError } from "../document.ts";
import { formatPosition, invalid } from "../errors.ts";
import type { ConfigErrorCode, Position } from "../errors.ts";
import { locateOption, locateText, locateValue } from "../locate.ts";
import type { SourceText } from "../locate.ts";
import { formatPath } from "../option-path.ts";
import type { ConfigFile } from "../project.ts";
import { isWithin } from "../paths.ts";
import { evaluate } from "./evaluate.ts";
import type { EvaluateOptions } from "./evaluate.ts";
import type { Outcome } from "./outcome.ts";

/**
 * @param shown turns an absolute path into the one to print
 * @throws E_CONFIG_SYNTAX, E_CONFIG_FAILED, E_CONFIG_HERMETIC, E_CONFIG_CONFLICT, E_CONFIG_INVALID, E_CONFIG_TIMEOUT, E_CONFIG_MEMORY
 */
export async function readScript(config: ConfigFile, shown: (path: string) => string, options: EvaluateOptions): Promise<Document> {
  const outcome = await evaluate(config, options);
  // Read only when there is something to point at.
  let texts: readonly SourceText[] | undefined;
  const sources = (): readonly SourceText[] => (texts ??= readModules(config, outcome.modules, shown));
  const file = shown(config.path);
  switch (outcome.kind) {
    case "value":
      return { value: outcome.value, locate: (path, found) => locateOption(sources(), path, found) };
    case "no-export":
      throw new AshlarError<ConfigErrorCode>("E_CONFIG_INVALID", `${file} has no default export`, {
        hint: "write `export default defineSystem({ … })`",
      });
    case "not-plain":
      throw invalid(file, outcome.problems, (problem) => locateOption(sources(), problem.path));
    case "conflict":
      throw conflict(outcome, sources(), placeOf(outcome, config, shown));
    case "hermetic":
      throw hermetic(outcome.message, placeOf(outcome, config, shown));
    case "failed":
      throw failure(outcome, config, placeOf(outcome, config, shown));
    default:
      return outcome satisfies never;
  }
}

function readModules(config: ConfigFile, modules: readonly string[], shown: (path: string) => string): SourceText[] {
  const paths = [config.path, ...modules.map((url) => fileURLToPath(url))];
  const own = [...new Set(paths)].filter((path) => isWithin(path, config.project) && !path.includes("/node_modules/"));
  return own.map((path) => ({ file: shown(path), text: readFileSync(path, "utf8") }));
}

function conflict(outcome: Extract<Outcome, { kind: "conflict" }>, sources: readonly SourceText[], merged: Position): AshlarError {
  const option = formatPath(outcome.path);
  const taken = new Set<string>();
  const sides = outcome.sides.map(({ value, argument }) => {
    const place = locateValue(sources, outcome.path, value).find((position) => !taken.has(formatPosition(position)));
    if (place !== undefined) taken.add(formatPosition(place));
    const where = place === undefined ? `in argument ${argument} of merge` : `at ${formatPosition(place)}`;
    return { text: `${typeof value === "object" ? "an object" : JSON.stringify(value)} ${where}`, place, argument };
  });
  return new AshlarError<ConfigErrorCode>(
    "E_CONFIG_CONFLICT",
    `${formatPosition(merged)}: merge found two values for ${option}: ${sides.map((side) => side.text).join(" and ")}`,
    {
      hint: `take one away, or mark the one that counts: ${String(outcome.path.at(-1))}: override(…)`,
      details: { option, sides: outcome.sides.map((side, index) => ({ ...side, at: sides[index]?.place })) },
    },
  );
}

function hermetic(message: string, position: Position, hint = BESIDE): AshlarError<ConfigErrorCode> {
  return new AshlarError("E_CONFIG_HERMETIC", `${formatPosition(position)}: ${message}`, { hint, details: { ...position } });
}

const BESIDE = "write the value into the config, or into a file beside it";
const SHARE = "copy the file beside the config; or, for files that systems share, have the only tsconfig.json in the folder above them";

function failure(outcome: Extract<Outcome, { kind: "failed" }>, config: ConfigFile, position: Position): AshlarError {
  const { code, resource, specifier } = outcome;
  const message = outcome.message.trim();
  if (code === "ERR_ACCESS_DENIED") {
    const isOutside = resource !== undefined && !isWithin(resource, config.project);
    if (!isOutside) return hermetic(message, position);
    return hermetic(`reading ${resource} is not allowed: a config reads below ${config.project} only`, position, SHARE);
  }
  if (/The requested module '(node:)?fs'/.test(message))
    return hermetic("of node:fs a config has readFileSync, readdirSync and existsSync", position);
  if (code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX")
    return syntaxError(position, `${message}; only types may be TypeScript, everything else is JavaScript`);
  if (outcome.name === "SyntaxError") return syntaxError(position, message);
  if (specifier !== undefined && code?.startsWith("ERR_") === true)
    return syntaxError(position, `there is no module ${JSON.stringify(specifier)} (an import names a file with its ending: "./common.ts")`);
  return new AshlarError<ConfigErrorCode>("E_CONFIG_FAILED", `${formatPosition(position)}: ${message}`, {
    hint: "the config's own code threw this",
    details: { ...position, stack: outcome.stack },
  });
}

type Broken = Extract<Outcome, { readonly stack: string }>;

/** Where it happened: the import that was refused, or the first line of the project in the stack. */
function placeOf(outcome: Broken, config: ConfigFile, shown: (path: string) => string): Position {
  if ("importer" in outcome && outcome.importer !== undefined) {
    const importer = fileURLToPath(outcome.importer);
    if (isWithin(importer, config.project))
      return { file: shown(importer), ...locateText(readFileSync(importer, "utf8"), outcome.specifier ?? "") };
  }
  return placeInStack(outcome.stack, config, shown) ?? { file: shown(config.path) };
}

/** The first place in the project that a stack names: "file:///p/system.ts:3:5", or "/p/system.ts:3" above a syntax error. */
function placeInStack(stack: string, config: ConfigFile, shown: (path: string) => string): Position | undefined {
  for (const [, url, line, column] of stack.matchAll(/((?:file:\/\/)?\/[^\n():]*):(\d+)(?::(\d+))?/g)) {
    const path = url?.startsWith("file:") === true ? fileURLToPath(url) : (url ?? "");
    if (!isWithin(path, config.project)) continue;
    return { file: shown(path), line: Number(line), ...(column === undefined ? caret(stack) : { column: Number(column) }) };
  }
  return undefined;
}

/** Node draws `^^^` below the column of a syntax error. */
function caret(stack: string): { column?: number } {
  const drawn = stack.split("\n").find((line) => /^ *\^+$/.test(line));
  return drawn === undefined ? {} : { column: drawn.indexOf("^") + 1 };
}
