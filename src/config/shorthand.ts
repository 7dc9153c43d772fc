/**
 * Short forms, written out: `ssh: true` is `ssh: { enable: true }`. Done before merging, so that a short form and a long
 * one of the same option can be merged. Values of a wrong type are left alone; the schema names them.
 */
import { isPlainObject } from "./override.ts";

/** The same options in their long forms. */
export function withoutShorthands(system: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(system).map(([option, value]) => [option, Object.hasOwn(LONG, option) ? LONG[option]?.(value) : value]),
  );
}

type Expand = (value: unknown) => unknown;

const fromText =
  (key: string): Expand =>
  (value) =>
    typeof value === "string" ? { [key]: value } : value;

const each =
  (expand: Expand): Expand =>
  (value) =>
    isPlainObject(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, expand(item)])) : value;

const within =
  (key: string, expand: Expand): Expand =>
  (value) =>
    isPlainObject(value) && Object.hasOwn(value, key) ? { ...value, [key]: expand(value[key]) } : value;

const LONG: Readonly<Record<string, Expand>> = {
  distribution: fromText("suite"),
  keyboard: fromText("layout"),
  files: each(fromText("text")),
  directories: each(fromText("mode")),
  units: each(fromText("text")),
  ssh: (value) => (typeof value === "boolean" ? { enable: value } : value),
  sysctl: each((value) => (typeof value === "number" ? String(value) : value)),
  network: within(
    "interfaces",
    each((value) => within("gateway", toList)(within("dhcp", yesNo)(value))),
  ),
  updates: within("source", toList),
};

function toList(value: unknown): unknown {
  return typeof value === "string" ? [value] : value;
}

function yesNo(value: unknown): unknown {
  return typeof value === "boolean" ? (value ? "yes" : "no") : value;
}
