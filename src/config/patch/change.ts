/** A change of a config, whatever language it is written in. */
import type { OptionPath } from "../option-path.ts";

export type PlainValue = string | number | boolean | readonly PlainValue[] | { readonly [key: string]: PlainValue };

export type ConfigChange =
  /** Writes the option, in place of what is there; an object replaces an object key by key. */
  | { readonly kind: "set"; readonly path: OptionPath; readonly value: PlainValue }
  | { readonly kind: "remove"; readonly path: OptionPath }
  /** Adds an item to a list, or makes the list. */
  | { readonly kind: "include"; readonly path: OptionPath; readonly item: string }
  /** Takes one of these out of a list. */
  | { readonly kind: "exclude"; readonly path: OptionPath; readonly items: readonly string[] };

export function isObject(value: PlainValue): value is { readonly [key: string]: PlainValue } {
  return typeof value === "object" && !Array.isArray(value);
}
