/**
 * Finds where options are written in a TypeScript or JSON text. Not a parser: it knows strings, comments, brackets and
 * `key:`, which is enough to point at a line. What it gets wrong costs a position in an error, never a value.
 */
import type { OptionPath } from "./option-path.ts";
import { keyOf, openFrame } from "./source-frame.ts";
import type { Frame } from "./source-frame.ts";
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

interface ScanFrame extends Frame {
  /** The next token begins a key or an item. */
  fresh: boolean;
}

/** Every property and list item of every object literal, in the order in which they are written. */
export function writtenOptions(source: string): WrittenOption[] {
  const tokens = tokenize(source);
  const found: WrittenOption[] = [];
  const frames: ScanFrame[] = [];
  for (const [index, token] of tokens.entries()) {
    const frame = frames.at(-1);
    const opens = token.kind === "punctuation" && "{[(".includes(token.text);
    const closes = token.kind === "punctuation" && "}])".includes(token.text);
    if (frame?.fresh === true && !closes) noteStart(frame, tokens, index, found);
    if (opens) {
      const inside = openFrame(token, tokens[index - 1], frame);
      frames.push({ ...inside, fresh: inside.kind !== "other" });
    } else if (closes) frames.pop();
    else if (frame !== undefined && token.kind === "punctuation" && token.text === ",") {
      frame.fresh = frame.kind !== "other";
      if (frame.kind === "list") frame.index++;
    }
  }
  return found;
}

function noteStart(frame: ScanFrame, tokens: readonly Token[], index: number, found: WrittenOption[]): void {
  const token = tokens[index];
  if (token === undefined) return;
  frame.fresh = false;
  if (frame.kind === "list") {
    found.push({ path: [...frame.path, frame.index], offset: token.offset, literal: literalOf(token) });
    return;
  }
  const after = tokens[index + 1];
  frame.key = keyOf(token, after);
  if (frame.key === undefined) return;
  const value = after?.text === ":" && isEnd(tokens[index + 3]) ? tokens[index + 2] : undefined;
  found.push({ path: [...frame.path, frame.key], offset: token.offset, literal: value === undefined ? undefined : literalOf(value) });
}

function isEnd(token: Token | undefined): boolean {
  return token === undefined || (token.kind === "punctuation" && ",}".includes(token.text));
}

function literalOf(token: Token): string | undefined {
  return token.kind === "text" || token.kind === "number" || token.kind === "word" ? token.value : undefined;
}
