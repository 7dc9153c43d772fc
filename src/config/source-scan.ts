/**
 * Finds where options are written in a TypeScript or JSON text. Not a parser: it knows strings, comments, brackets and
 * `key:`, which is enough to point at a line. What it gets wrong costs a position in an error, never a value.
 */
import type { OptionPath } from "./option-path.ts";
import { tokenize } from "./source-tokens.ts";
import type { Token } from "./source-tokens.ts";

export interface WrittenOption {
  /** Keys from the outermost object literal around it. */
  readonly path: OptionPath;
  /** Offset of the key, or of the item in a list. */
  readonly offset: number;
  /** The value when it is a plain string or number. */
  readonly literal?: string | undefined;
}

interface Frame {
  readonly kind: "object" | "list" | "other";
  readonly path: OptionPath;
  key: string | undefined;
  index: number;
  /** The next token begins a key or an item. */
  fresh: boolean;
}

/** Every property and list item of every object literal, in the order in which they are written. */
export function writtenOptions(source: string): WrittenOption[] {
  const tokens = tokenize(source);
  const found: WrittenOption[] = [];
  const frames: Frame[] = [];
  for (const [index, token] of tokens.entries()) {
    const frame = frames.at(-1);
    const opens = token.kind === "punctuation" && "{[(".includes(token.text);
    const closes = token.kind === "punctuation" && "}])".includes(token.text);
    if (frame?.fresh === true && !closes) noteStart(frame, tokens, index, found);
    if (opens) frames.push(open(token, tokens[index - 1], frame));
    else if (closes) frames.pop();
    else if (frame !== undefined && token.kind === "punctuation" && token.text === ",") {
      frame.fresh = frame.kind !== "other";
      if (frame.kind === "list") frame.index++;
    }
  }
  return found;
}

function noteStart(frame: Frame, tokens: readonly Token[], index: number, found: WrittenOption[]): void {
  const token = tokens[index];
  if (token === undefined) return;
  frame.fresh = false;
  if (frame.kind === "list") {
    found.push({ path: [...frame.path, frame.index], offset: token.offset, literal: literalOf(token) });
    return;
  }
  const after = tokens[index + 1];
  frame.key = undefined;
  if (token.kind === "punctuation" || after?.kind !== "punctuation" || !":,}".includes(after.text)) return;
  frame.key = token.value;
  const value = after.text === ":" && isEnd(tokens[index + 3]) ? tokens[index + 2] : undefined;
  found.push({ path: [...frame.path, token.value], offset: token.offset, literal: value === undefined ? undefined : literalOf(value) });
}

/** `(` keeps the path, so that the object in `ada: admin({ … })` counts as users.ada; a block of code starts anew. */
function open(token: Token, before: Token | undefined, frame: Frame | undefined): Frame {
  const path = pathInside(frame);
  const isValue =
    before === undefined ||
    (before.kind === "punctuation" && "([,:=?&|.".includes(before.text)) ||
    (before.kind === "word" && (before.text === "return" || before.text === "default"));
  if (token.text === "(") return { kind: "other", path, key: undefined, index: 0, fresh: false };
  if (!isValue) return { kind: "other", path: [], key: undefined, index: 0, fresh: false };
  return { kind: token.text === "{" ? "object" : "list", path, key: undefined, index: 0, fresh: true };
}

function pathInside(frame: Frame | undefined): OptionPath {
  if (frame === undefined) return [];
  if (frame.kind === "list") return [...frame.path, frame.index];
  return frame.kind === "object" && frame.key !== undefined ? [...frame.path, frame.key] : frame.path;
}

function isEnd(token: Token | undefined): boolean {
  return token === undefined || (token.kind === "punctuation" && ",}".includes(token.text));
}

function literalOf(token: Token): string | undefined {
  return token.kind === "text" || token.kind === "number" || token.kind === "word" ? token.value : undefined;
}
