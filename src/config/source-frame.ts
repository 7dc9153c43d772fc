/** Where a place in a source text is, as option paths see it: the one rule for pointing at options and for editing them. */
import type { OptionPath } from "./option-path.ts";
import type { Token } from "./source-tokens.ts";

/** A bracket that is open. */
export interface Frame {
  readonly kind: "object" | "list" | "other";
  /** Keys from the outermost literal around it. */
  readonly path: OptionPath;
  /** Of the entry that is being read, in an object. */
  key: string | undefined;
  /** Of the item that is being read, in a list. */
  index: number;
}

/**
 * What a bracket opens. `(` keeps the path, so that the object in `ada: admin({ … })` counts as users.ada; a block of code
 * starts anew.
 * @param before the token in front of it
 */
export function openFrame(bracket: Token, before: Token | undefined, around: Frame | undefined): Frame {
  const inside = { key: undefined, index: 0 };
  const isValue =
    before === undefined ||
    (before.kind === "punctuation" && "([,:=?&|.".includes(before.text)) ||
    (before.kind === "word" && (before.text === "return" || before.text === "default"));
  if (bracket.text === "(") return { kind: "other", path: pathInside(around), ...inside };
  if (!isValue) return { kind: "other", path: [], ...inside };
  return { kind: bracket.text === "{" ? "object" : "list", path: pathInside(around), ...inside };
}

/** The key that a token at the start of an object's entry is; undefined for spreads and computed keys. */
export function keyOf(token: Token, next: Token | undefined): string | undefined {
  return token.kind !== "punctuation" && next?.kind === "punctuation" && ":,}".includes(next.text) ? token.value : undefined;
}

function pathInside(frame: Frame | undefined): OptionPath {
  if (frame === undefined) return [];
  if (frame.kind === "list") return [...frame.path, frame.index];
  return frame.kind === "object" && frame.key !== undefined ? [...frame.path, frame.key] : frame.path;
}
