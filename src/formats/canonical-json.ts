/**
 * Canonical JSON: one text for one value, on every machine. Keys in code unit order, no white space, numbers as
 * ECMAScript prints them (RFC 8785, https://www.rfc-editor.org/rfc/rfc8785#section-3.2).
 */
import { hash } from "node:crypto";

/**
 * The canonical JSON text of a value made of objects, arrays, strings, booleans, null and finite numbers.
 * Keys whose value is `undefined` are left out.
 * @throws TypeError for anything else: such a value must not be hashed, because it would not come back
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === "string" && value.isWellFormed()) return JSON.stringify(value);
  if (typeof value === "boolean" || value === null) return String(value);
  if (typeof value === "number" && Number.isFinite(value) && (Number.isSafeInteger(value) || !Number.isInteger(value)))
    return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object") return canonicalObject(value);
  throw new TypeError(`canonical JSON cannot carry this ${typeof value}`);
}

/** sha256 of the canonical JSON, as 64 hexadecimal digits. */
export function digestOf(value: unknown): string {
  return hash("sha256", canonicalJson(value), "hex");
}

function canonicalObject(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError(`canonical JSON cannot carry ${value.constructor.name}`);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(",")}}`;
}
