/**
 * Changes a TypeScript or JSON config by edits at positions: everything else stays as it was written. It is not known where
 * an option counts (a helper's literal? an argument of merge?), so every place where it could stand is tried, the likely
 * ones first; the caller evaluates each and keeps the first that means what was wanted.
 */
import type { OptionPath } from "../option-path.ts";
import { isObject } from "./change.ts";
import type { ConfigChange, PlainValue } from "./change.ts";
import { literalsIn } from "./literals.ts";
import type { Entry, Literal } from "./literals.ts";
import { writeEntry, writeValue } from "./write-value.ts";
import type { Style } from "./write-value.ts";

/** Texts in which the change may have been made, the likely ones first. */
export function patchScript(text: string, change: ConfigChange, style: Style): string[] {
  const literals = byLikelihood(literalsIn(text), text);
  switch (change.kind) {
    case "set":
      return unique(text, [
        ...replacements(text, literals, change.path, change.value, style),
        ...insertions(text, literals, change.path, change.value, style),
        ...(style === "ts" ? overrides(text, literals, change.path, change.value) : []),
      ]);
    case "remove":
      return unique(
        text,
        entriesAt(literals, change.path).map(({ entry }) => without(text, entry)),
      );
    case "include": {
      const lists = literals.filter((literal) => literal.kind === "list" && isSame(literal.path, change.path));
      return unique(text, [
        ...lists.map((list) => insert(text, list, writeValue(change.item, style, ""), style)),
        ...insertions(text, literals, change.path, [change.item], style),
      ]);
    }
    case "exclude": {
      const lists = literals.filter((literal) => literal.kind === "list" && isSame(literal.path, change.path));
      const entries = lists.flatMap((list) => list.entries.filter((entry) => change.items.includes(entry.text ?? "")));
      return unique(
        text,
        entries.map((entry) => without(text, entry)),
      );
    }
    default:
      return change satisfies never;
  }
}

/** What is exported counts; of several arguments the last one is the system's own part. */
function byLikelihood(literals: readonly Literal[], text: string): Literal[] {
  const exported = text.search(/\bexport\s+default\b/);
  const rank = (literal: Literal): number => (literal.start > exported ? 0 : 1);
  return [...literals].sort((a, b) => rank(a) - rank(b) || b.start - a.start);
}

function replacements(text: string, literals: readonly Literal[], path: OptionPath, value: PlainValue, style: Style): string[] {
  return entriesAt(literals, path).flatMap(({ entry }) => {
    const inside = literals.find(
      (literal) => literal.kind === "object" && literal.start === entry.valueStart && literal.end + 1 === entry.end,
    );
    const whole = short(value);
    const begin = entry.valueStart === undefined ? entry.start : entry.valueStart;
    const written =
      entry.valueStart === undefined
        ? writeEntry(entry.key ?? "", whole, style, indentOf(text, entry.start))
        : writeValue(whole, style, indentOf(text, entry.start));
    const replaced = text.slice(0, begin) + written + text.slice(entry.end);
    return inside !== undefined && isObject(value) ? [mergeInto(text, inside, value, style), replaced] : [replaced];
  });
}

/** Sets the keys of an object literal to those of `value`, one by one, and takes the others out. */
function mergeInto(text: string, literal: Literal, value: { readonly [key: string]: PlainValue }, style: Style): string {
  const start = literal.start;
  const again = (changed: string): Literal | undefined => literalsIn(changed).find((each) => each.start === start);
  let changed = text;
  for (const { key } of literal.entries) {
    const entry = again(changed)?.entries.find((each) => each.key === key);
    if (entry !== undefined && key !== undefined && !(key in value)) changed = without(changed, entry);
  }
  for (const [key, item] of Object.entries(value)) {
    const now = again(changed);
    const entry = now?.entries.find((each) => each.key === key);
    if (now === undefined) return text;
    if (entry === undefined) changed = insert(changed, now, writeEntry(key, item, style, entryIndent(changed, now)), style);
    else if (entry.text !== item) {
      const written = writeEntry(key, item, style, indentOf(changed, entry.start));
      changed = changed.slice(0, entry.start) + written + changed.slice(entry.end);
    }
  }
  return changed;
}

/** New entries in the literals that hold the longest part of the path. */
function insertions(text: string, literals: readonly Literal[], path: OptionPath, value: PlainValue, style: Style): string[] {
  const found: string[] = [];
  for (let depth = path.length - 1; depth >= 0; depth--) {
    const key = String(path[depth]);
    const rest = path.slice(depth + 1);
    const nested = rest.reduceRight<PlainValue>((inner, name) => ({ [name]: inner }), short(value));
    for (const literal of literals) {
      if (literal.kind !== "object" || !isSame(literal.path, path.slice(0, depth))) continue;
      if (literal.entries.some((entry) => entry.key === key)) continue;
      found.push(insert(text, literal, writeEntry(key, nested, style, entryIndent(text, literal)), style));
    }
  }
  return found;
}

const PLACEHOLDER = "@override of another part@";

/** New entries that have the last word over those of other parts of a merge. */
function overrides(text: string, literals: readonly Literal[], path: OptionPath, value: PlainValue): string[] {
  const written = `override(${writeValue(short(value), "ts", "")})`;
  return insertions(text, literals, path, PLACEHOLDER, "ts").map((changed) =>
    importOverride(changed.replace(JSON.stringify(PLACEHOLDER), () => written)),
  );
}

function importOverride(text: string): string {
  const [all, names] = /^import\s*\{([^}]*)\}\s*from\s*["']ashlar["']/m.exec(text) ?? [];
  if (all === undefined || names === undefined) return `import { override } from "ashlar";\n${text}`;
  if (/\boverride\b/.test(names)) return text;
  return text.replace(all, () => all.replace(/,?\s*\}/, (end) => `, override${end.replace(",", "")}`));
}

/** A file that is nothing but its text is written as a text. */
function short(value: PlainValue): PlainValue {
  return isObject(value) && Object.keys(value).length === 1 && typeof value["text"] === "string" ? value["text"] : value;
}

/** Puts an entry at the end of a literal, in the way its other entries are written. */
function insert(text: string, literal: Literal, written: string, style: Style): string {
  const last = literal.entries.at(-1);
  const pad = literal.kind === "object" ? " " : "";
  if (last === undefined) {
    const inner = text.slice(literal.start + 1, literal.end);
    // A comment inside stays where it is.
    if (inner.trim() !== "")
      return `${text.slice(0, literal.end).trimEnd()}\n${indentOf(text, literal.start)}  ${written}\n${indentOf(text, literal.start)}${text.slice(literal.end)}`;
    return `${text.slice(0, literal.start + 1)}${pad}${written}${pad}${text.slice(literal.end)}`;
  }
  const isLined = text.slice(literal.start, literal.entries[0]?.start).includes("\n");
  const comma = last.after > last.end ? text.slice(last.end, last.after) : ",";
  if (!isLined) return `${text.slice(0, last.end)}${comma} ${written}${text.slice(last.after)}`;
  const lineEnd = endOfLine(text, last.after, literal.end);
  const trailing = style === "ts" && last.after > last.end ? "," : "";
  const rest = text.slice(last.after, lineEnd);
  const tail = text.slice(lineEnd);
  const closes = tail.startsWith("\n") ? "" : `\n${indentOf(text, literal.start)}`;
  return `${text.slice(0, last.end)}${comma}${rest.trimEnd()}\n${indentOf(text, last.start)}${written}${trailing}${closes}${tail}`;
}

/** Takes an entry out, with its comma, and with its line when nothing else is on it. */
function without(text: string, entry: Entry): string {
  const lineStart = text.lastIndexOf("\n", entry.start - 1) + 1;
  const isFirst = text.slice(lineStart, entry.start).trim() === "";
  const next = /^[^\S\n]*(\/\/[^\n]*)?\n/.exec(text.slice(entry.after));
  if (isFirst && next !== null) return joinLast(text.slice(0, lineStart), text.slice(entry.after + next[0].length), entry);
  const gap = /^[^\S\n]*/.exec(text.slice(entry.after))?.[0].length ?? 0;
  return joinLast(text.slice(0, entry.start), text.slice(entry.after + (entry.after > entry.end ? gap : 0)), entry);
}

/** A last entry without a comma leaves the comma before it over, which JSON does not take. */
function joinLast(before: string, after: string, entry: Entry): string {
  if (entry.after > entry.end) return before + after;
  const comma = /,(\s*)$/.exec(before);
  return comma === null ? before + after : before.slice(0, comma.index) + (comma[1]?.includes("\n") === true ? comma[1] : "") + after;
}

function entriesAt(literals: readonly Literal[], path: OptionPath): { literal: Literal; entry: Entry }[] {
  const key = String(path.at(-1));
  return literals
    .filter((literal) => literal.kind === "object" && isSame(literal.path, path.slice(0, -1)))
    .flatMap((literal) => literal.entries.filter((entry) => entry.key === key).map((entry) => ({ literal, entry })));
}

/** Offset of the end of the line on which an entry ends, past a comment that follows it there. */
function endOfLine(text: string, from: number, limit: number): number {
  const rest = /^[^\S\n]*(\/\/[^\n]*|\/\*[^\n]*?\*\/[^\S\n]*)?(?=\n)/.exec(text.slice(from, limit));
  return from + (rest?.[0].length ?? 0);
}

function entryIndent(text: string, literal: Literal): string {
  const first = literal.entries[0];
  const isLined = first !== undefined && text.slice(literal.start, first.start).includes("\n");
  return isLined ? indentOf(text, first.start) : indentOf(text, literal.start);
}

function indentOf(text: string, offset: number): string {
  return /^[^\S\n]*/.exec(text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset))?.[0] ?? "";
}

function isSame(a: OptionPath, b: OptionPath): boolean {
  return a.length === b.length && a.every((key, index) => String(key) === String(b[index]));
}

function unique(text: string, texts: readonly string[]): string[] {
  return [...new Set(texts)].filter((each) => each !== text);
}
