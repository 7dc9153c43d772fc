/** Values as a person would write them, in TypeScript or JSON. */
import { isObject } from "./change.ts";
import type { PlainValue } from "./change.ts";

export type Style = "ts" | "json";

const LINE_MAX = 100;

/**
 * @param indent white space before the line on which the value begins
 */
export function writeValue(value: PlainValue, style: Style, indent: string): string {
  if (typeof value === "string") return style === "ts" && /\n./.test(value) ? template(value) : quoted(value);
  if (typeof value !== "object") return String(value);
  const inner = `${indent}  `;
  const parts = isObject(value)
    ? Object.entries(value).map(([key, item]) => writeEntry(key, item, style, inner))
    : value.map((item) => writeValue(item, style, inner));
  const [left, right] = isObject(value) ? ["{", "}"] : ["[", "]"];
  if (parts.length === 0) return `${left}${right}`;
  const gap = isObject(value) ? " " : "";
  const line = `${left}${gap}${parts.join(", ")}${gap}${right}`;
  if (!line.includes("\n") && indent.length + line.length <= LINE_MAX) return line;
  return `${left}\n${parts.map((part) => inner + part).join(",\n")}${style === "ts" ? "," : ""}\n${indent}${right}`;
}

/** `key: value`, the key in quotes where it must be. */
export function writeEntry(key: string, value: PlainValue, style: Style, indent: string): string {
  const name = style === "ts" && /^[A-Za-z_$][\w$]*$/.test(key) ? key : quoted(key);
  return `${name}: ${writeValue(value, style, indent)}`;
}

/** JSON is also JavaScript; a literal line separator is not what an editor shows. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(/[\u007f-\u009f\u2028\u2029]/g, escaped);
}

/** A template keeps lines apart. Carriage returns must be escaped: a literal one would become a line feed. */
function template(text: string): string {
  const body = text.replaceAll(/[\\`]|\$\{/g, String.raw`\$&`).replaceAll(/(?![\n\t])[\p{Cc}\u2028\u2029]/gu, escaped);
  return `\`${body}\``;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
