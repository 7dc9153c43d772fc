/** Configs in YAML and JSON: the same options, as data. Text in, value and positions out; nothing is executed. */
import { AshlarError, messageOf } from "#errors";
import { formatPosition } from "./errors.ts";
import type { ConfigErrorCode, Position } from "./errors.ts";
import { lineAt } from "./line-at.ts";
import { locateOption } from "./locate.ts";
import type { OptionPath } from "./option-path.ts";
import { writtenOptions } from "./source-scan.ts";

export interface Document {
  readonly value: unknown;
  locate(path: OptionPath, found?: unknown): Position | undefined;
}

const TOO_DEEP = "nested too deeply";

/** Far above any config, far below what makes a parser slow. */
export const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;

/** @throws E_CONFIG_SYNTAX with line and column; a key that is written twice is an error */
export function parseJson(file: string, text: string): Document {
  const sources = [{ file, text }];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // Without a position the text ended too early.
    const offset = /position (\d+)/.exec(messageOf(cause))?.[1] ?? text.length;
    throw syntaxError({ file, ...lineAt(text, Number(offset)) }, messageOf(cause).replace(/ (in JSON )?at position \d+.*$/s, ""), cause);
  }
  const seen = new Set<string>();
  for (const { path, offset } of writtenOptions(text)) {
    const key = JSON.stringify(path);
    if (seen.has(key)) throw syntaxError({ file, ...lineAt(text, offset) }, `the key ${JSON.stringify(path.at(-1))} is written twice`);
    seen.add(key);
  }
  return { value, locate: (path, found) => locateOption(sources, path, found) };
}

/**
 * YAML 1.2, core schema (https://yaml.org/spec/1.2.2/#103-core-schema): no merge keys, no custom tags, no
 * duplicate keys, and no aliases, which a few lines of could stand for gigabytes.
 * @throws E_CONFIG_SYNTAX with line and column
 */
export async function parseYaml(file: string, text: string): Promise<Document> {
  const { isAlias, isCollection, isNode, isPair, LineCounter, parseDocument, visit } = await import("yaml");
  const lines = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const document = attempt(file, () =>
    parseDocument(text, { schema: "core", merge: false, uniqueKeys: true, intAsBigInt: true, lineCounter: lines, prettyErrors: false }),
  );
  const [wrong] = [...document.errors, ...document.warnings];
  if (wrong !== undefined) throw syntaxError(at(wrong.pos[0]), /call stack/.test(wrong.message) ? TOO_DEEP : wrong.message, wrong);
  visit(document, {
    Alias: (_key, alias) => {
      throw syntaxError(at(alias.range?.[0] ?? 0), `the alias *${alias.source} is not allowed; write the value out, or use a system.ts`);
    },
  });
  const value = attempt(file, () => exactNumbers(document.toJS({ maxAliasCount: 0 })));
  return {
    value,
    locate(path) {
      let position: Position | undefined;
      let node: unknown = document.contents;
      for (const key of path) {
        if (!isCollection(node)) break;
        const pair: unknown = node.items.find((item) => isPair(item) && String(item.key) === String(key));
        const inner: unknown = isPair(pair) ? pair.value : typeof key === "number" ? node.items[key] : undefined;
        const place = isPair(pair) ? pair.key : inner;
        if (isNode(place) && place.range) position = at(place.range[0]);
        if (!isNode(inner) || isAlias(inner)) break;
        node = inner;
      }
      return position;
    },
  };
}

export function syntaxError(position: Position, message: string, cause?: unknown): AshlarError<ConfigErrorCode> {
  return new AshlarError("E_CONFIG_SYNTAX", `${formatPosition(position)}: ${message}`, {
    cause,
    details: { ...position },
    hint: "correct the line and try again",
  });
}

/** Deep nesting exhausts the stack of a recursive parser: that is a fault of the text. */
function attempt<T>(file: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof RangeError) throw syntaxError({ file }, TOO_DEEP, error);
    throw error;
  }
}

/** Integers were read exactly; those that fit are numbers, the others stay as they are for `plain.ts` to refuse. */
function exactNumbers(value: unknown): unknown {
  if (typeof value === "bigint") return value >= -(2n ** 53n) && value <= 2n ** 53n - 1n ? Number(value) : value;
  if (Array.isArray(value)) return value.map(exactNumbers);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, exactNumbers(item)]));
}
