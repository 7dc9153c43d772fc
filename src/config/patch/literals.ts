/** The object and list literals of a TypeScript or JSON text, with the places of their entries, for edits by position. */
import type { OptionPath } from "../option-path.ts";
import { keyOf, openFrame } from "../source-frame.ts";
import type { Frame } from "../source-frame.ts";
import { tokenize } from "../source-tokens.ts";
import type { Token } from "../source-tokens.ts";

export interface Literal {
  readonly kind: "object" | "list";
  /** Keys from the outermost literal around it. */
  readonly path: OptionPath;
  /** Offsets of the opening and the closing bracket. */
  readonly start: number;
  readonly end: number;
  readonly entries: readonly Entry[];
}

export interface Entry {
  /** Of a property; undefined for items, spreads and computed keys. */
  readonly key: string | undefined;
  readonly start: number;
  /** Undefined for `{ name }`. */
  readonly valueStart: number | undefined;
  /** Offset after the value. */
  readonly end: number;
  /** Offset after the comma that follows; `end` when none does. */
  readonly after: number;
  /** The value when it is one string. */
  readonly text: string | undefined;
}

interface LiteralFrame extends Frame {
  readonly start: number;
  readonly entries: Entry[];
  /** Index of the first token of the entry that is being read. */
  first: number | undefined;
}

/** In the order of their closing brackets. Never throws: what it gets wrong is no literal, or an edit that changes nothing. */
export function literalsIn(source: string): Literal[] {
  const tokens = tokenize(source);
  const found: Literal[] = [];
  const frames: LiteralFrame[] = [];
  for (const [index, token] of tokens.entries()) {
    const frame = frames.at(-1);
    const mark = token.kind === "punctuation" ? token.text : "";
    const closes = mark !== "" && "}])".includes(mark);
    if (frame !== undefined && frame.kind !== "other" && frame.first === undefined && !closes && mark !== ",") {
      frame.first = index;
      frame.key = frame.kind === "object" ? keyOf(token, tokens[index + 1]) : undefined;
    }
    if (mark !== "" && "{[(".includes(mark))
      frames.push({ ...openFrame(token, tokens[index - 1], frame), start: token.offset, entries: [], first: undefined });
    else if (closes && frame !== undefined) {
      endEntry(frame, tokens, index, false);
      frames.pop();
      if (frame.kind !== "other")
        found.push({ kind: frame.kind, path: frame.path, start: frame.start, end: token.offset, entries: frame.entries });
    } else if (mark === "," && frame !== undefined) {
      endEntry(frame, tokens, index, true);
      frame.index++;
    }
  }
  return found;
}

function endEntry(frame: LiteralFrame, tokens: readonly Token[], index: number, comma: boolean): void {
  if (frame.first === undefined) return;
  const [first, last] = [tokens[frame.first], tokens[index - 1]];
  const colon = frame.key !== undefined && tokens[frame.first + 1]?.text === ":";
  const from = frame.kind === "list" ? frame.first : colon ? frame.first + 2 : undefined;
  const value = from === undefined ? undefined : tokens[from];
  if (first !== undefined && last !== undefined) {
    const end = last.offset + last.text.length;
    const single = value !== undefined && from === index - 1 && value.kind === "text";
    frame.entries.push({
      key: frame.key,
      start: first.offset,
      valueStart: value?.offset,
      end,
      after: comma ? (tokens[index]?.offset ?? end) + 1 : end,
      text: single ? value.value : undefined,
    });
  }
  frame.first = undefined;
  frame.key = undefined;
}
