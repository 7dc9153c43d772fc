/** Cuts TypeScript (or JSON) into tokens, just well enough for `source-scan.ts`. */

export interface Token {
  readonly kind: "text" | "number" | "word" | "template" | "pattern" | "punctuation";
  readonly text: string;
  /** Without quotes and escapes. */
  readonly value: string;
  readonly offset: number;
}

const SPACE = /(?:\s+|\/\/[^\n]*|\/\*[^]*?(?:\*\/|$))+/y;
const TEXT = /"(?:[^"\\\n]|\\[^])*"?|'(?:[^'\\\n]|\\[^])*'?/y;
const NUMBER = /\d[\w.]*/y;
const WORD = /[\p{ID_Start}$_@#][\p{ID_Continue}$]*/uy;
const PATTERN = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y;

/** Every token but white space and comments. Never throws: what it does not know is punctuation. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  while (at < source.length) {
    const space = take(SPACE);
    if (space !== undefined) {
      at += space.length;
      continue;
    }
    const token = next(source, at, take, tokens.at(-1));
    tokens.push(token);
    at += token.text.length;
  }
  return tokens;
}

function next(source: string, offset: number, take: (pattern: RegExp) => string | undefined, before: Token | undefined): Token {
  const make = (kind: Token["kind"], text: string, value = text): Token => ({ kind, text, value, offset });
  const quoted = take(TEXT);
  if (quoted !== undefined) return make("text", quoted, unquote(quoted));
  if (source[offset] === "`") return make("template", source.slice(offset, templateEnd(source, offset)));
  const number = take(NUMBER);
  if (number !== undefined) return make("number", number, String(Number(number.replaceAll("_", ""))));
  const word = take(WORD);
  if (word !== undefined) return make("word", word);
  const pattern = mayBePattern(before) ? take(PATTERN) : undefined;
  if (pattern !== undefined) return make("pattern", pattern);
  return make("punctuation", source[offset] ?? "");
}

function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(u\{[\da-f]+\}|u[\da-f]{4}|x[\da-f]{2}|[^])/gi, (_all, escape: string) => {
    if (/^[ux]./.test(escape)) {
      const point = Number.parseInt(escape.replace(/[ux{}]/g, ""), 16);
      return point <= 0x10ffff ? String.fromCodePoint(point) : "\ufffd";
    }
    return { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", v: "\v", 0: "\0" }[escape] ?? escape;
  });
}

/** A slash after a value divides; anywhere else it begins a regular expression. */
function mayBePattern(before: Token | undefined): boolean {
  if (before === undefined) return true;
  if (before.kind === "punctuation") return !")]}".includes(before.text);
  return before.kind === "word" && before.text === "return";
}

/** Offset after the closing back quote; `${…}` may hold strings and templates again. */
function templateEnd(source: string, start: number): number {
  let at = start + 1;
  while (at < source.length && source[at] !== "`") {
    if (source[at] === "\\") at += 2;
    else if (source.startsWith("${", at)) at = substitutionEnd(source, at + 2);
    else at++;
  }
  return Math.min(at + 1, source.length);
}

function substitutionEnd(source: string, start: number): number {
  let depth = 1;
  let at = start;
  while (at < source.length) {
    const character = source[at] ?? "";
    if (character === "`") at = templateEnd(source, at);
    else if (character === '"' || character === "'") {
      TEXT.lastIndex = at;
      at += TEXT.exec(source)?.[0].length ?? 1;
    } else {
      at++;
      if (character === "{") depth++;
      else if (character === "}" && --depth === 0) return at;
    }
  }
  return at;
}
