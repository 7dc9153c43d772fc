/** Escaping in dump fields: everything but visible ASCII as `\xNN`, `\\`, `\n`, `\r` or `\t`. */
import type { ByteString } from "#formats/bytes.ts";

/** Escapes a field. A lone "-" is escaped too, because it means "not set". */
export function escapeField(text: ByteString): string {
  return text === "-" ? "\\x2d" : text.replace(/[^!-[\]-~]/g, escapeByte);
}

/** Escapes the key or the value of an attribute, where "=" separates and "-" is nothing special. */
export function escapeAttribute(text: ByteString): string {
  return text.replace(/[^!-<>-[\]-~]/g, escapeByte);
}

/** Inverse of {@link escapeField} and {@link escapeAttribute}; undefined when an escape is malformed. */
export function unescapeField(field: string): ByteString | undefined {
  let slash = field.indexOf("\\");
  if (slash === -1) return field;
  let text = "";
  let from = 0;
  while (slash !== -1) {
    text += field.slice(from, slash);
    const letter = field[slash + 1] ?? "";
    if (letter === "x") {
      const high = hexValue(field.charCodeAt(slash + 2));
      const low = hexValue(field.charCodeAt(slash + 3));
      if (high < 0 || low < 0) return undefined;
      text += String.fromCharCode(high * 16 + low);
      from = slash + 4;
    } else {
      const plain = SHORT.get(letter);
      if (plain === undefined) return undefined;
      text += plain;
      from = slash + 2;
    }
    slash = field.indexOf("\\", from);
  }
  return text + field.slice(from);
}

const SHORT: ReadonlyMap<string, string> = new Map([
  ["\\", "\\"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);

function escapeByte(character: string): string {
  for (const [letter, plain] of SHORT) if (plain === character) return `\\${letter}`;
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
