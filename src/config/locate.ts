/** From the path of an option to the place where a person wrote it. */
import type { Position } from "./errors.ts";
import type { OptionPath } from "./option-path.ts";
import { lineAt } from "./line-at.ts";
import { tokenize } from "./source-tokens.ts";
import { writtenOptions } from "./source-scan.ts";
import type { WrittenOption } from "./source-scan.ts";

/** A file that was evaluated, with its text. */
export interface SourceText {
  readonly file: string;
  readonly text: string;
}

/**
 * Where an option is written in one of `sources` (the main file first). The exact path wins; then a part of it in another
 * object literal (a helper's, or an imported part's) whose value is the one found; then the nearest option around it.
 */
export function locateOption(sources: readonly SourceText[], path: OptionPath, found?: unknown): Position | undefined {
  return allPlaces(sources, path, found)[0]?.position;
}

/** Every place where the option is written with this value; for conflicts. */
export function locateValue(sources: readonly SourceText[], path: OptionPath, value: unknown): Position[] {
  const literal = literalOf(value);
  return allPlaces(sources, path, value)
    .filter((place) => place.isWhole && (literal === undefined || place.option.literal === literal))
    .map((place) => place.position);
}

/** Line and column of the first string in `source` that is `text`; of an import's module name, say. */
export function locateText(source: string, text: string): { line: number; column: number } | undefined {
  const token = tokenize(source).find((each) => each.kind === "text" && each.value === text);
  return token === undefined ? undefined : lineAt(source, token.offset);
}

interface Place {
  readonly position: Position;
  readonly option: WrittenOption;
  /** The option itself, not one around it. */
  readonly isWhole: boolean;
  readonly rank: number;
}

function allPlaces(sources: readonly SourceText[], path: OptionPath, found: unknown): Place[] {
  const literal = literalOf(found);
  const places: Place[] = [];
  for (const { file, text } of sources) {
    for (const option of writtenOptions(text)) {
      const rank = rankOf(option, path, literal);
      if (rank > 0) places.push({ position: { file, ...lineAt(text, option.offset) }, option, rank, isWhole: rank >= WHOLE });
    }
  }
  return places.sort((a, b) => b.rank - a.rank);
}

const WHOLE = 1000;
const SAME_VALUE = 500;
const EXACT = 200;

function rankOf(option: WrittenOption, path: OptionPath, literal: string | undefined): number {
  const same = literal !== undefined && option.literal === literal ? SAME_VALUE : 0;
  if (startsWith(path, option.path)) return option.path.length === path.length ? WHOLE + EXACT + same : option.path.length;
  // A helper's literal: `const admin = { sshKeys: [] }` is the end of users.ada.sshKeys.
  const isEnd = option.path.length < path.length && startsWith(path.slice(path.length - option.path.length), option.path);
  return isEnd && (option.path.length > 1 || same > 0) ? WHOLE + option.path.length + same : 0;
}

function startsWith(path: OptionPath, start: OptionPath): boolean {
  return start.length <= path.length && start.every((key, index) => String(key) === String(path[index]));
}

function literalOf(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}
