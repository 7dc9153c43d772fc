/**
 * Strict readers of untrusted JSON without a library, for programs that must stay small: each shape takes a value and the
 * path to it, and returns the value typed, or throws {@link ShapeError}. Unknown fields are refused.
 */

/** What is wrong with a value, and where: `objects[3].size: expected an integer from 0 to 9, got "x"`. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
}

export type Shape<T> = (value: unknown, path: string) => T;

/** A field that may be absent. */
export interface OptionalShape<T> {
  readonly optional: Shape<T>;
}

type Fields = Readonly<Record<string, Shape<unknown> | OptionalShape<unknown>>>;
type Shaped<F extends Fields> = {
  readonly [K in keyof F as F[K] extends Shape<unknown> ? K : never]: F[K] extends Shape<infer T> ? T : never;
} & {
  readonly [K in keyof F as F[K] extends OptionalShape<unknown> ? K : never]?: F[K] extends OptionalShape<infer T> ? T : never;
};

/** An object with exactly these fields. */
export function record<F extends Fields>(fields: F): Shape<Shaped<F>> {
  return (value, path) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw mismatch(path, "an object", value);
    const unknown = Object.keys(value).find((key) => !Object.hasOwn(fields, key));
    if (unknown !== undefined) throw new ShapeError(`${at(path, unknown)}: unknown field`);
    const given = value as Readonly<Record<string, unknown>>;
    const result: Record<string, unknown> = {};
    for (const [key, shape] of Object.entries(fields)) {
      if (typeof shape === "function") result[key] = shape(given[key], at(path, key));
      else if (given[key] !== undefined) result[key] = shape.optional(given[key], at(path, key));
    }
    return result as Shaped<F>;
  };
}

export function optional<T>(shape: Shape<T>): OptionalShape<T> {
  return { optional: shape };
}

/** A list of at most `max` items. */
export function list<T>(item: Shape<T>, max: number): Shape<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw mismatch(path, "a list", value);
    if (value.length > max) throw new ShapeError(`${path}: ${value.length} items are more than the ${max} that are allowed`);
    return value.map((element: unknown, index) => item(element, `${path}[${index}]`));
  };
}

/** An object whose values are all of one shape. */
export function map<T>(item: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return (value, path) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw mismatch(path, "an object", value);
    return Object.fromEntries(Object.entries(value).map(([key, element]) => [key, item(element, at(path, key))]));
  };
}

/** @param max longest length in UTF-16 units */
export function string(max: number, pattern?: RegExp): Shape<string> {
  return (value, path) => {
    if (typeof value !== "string" || value.length > max || pattern?.test(value) === false)
      throw mismatch(path, pattern === undefined ? `a string of at most ${max} characters` : `a string like ${pattern.source}`, value);
    return value;
  };
}

export function integer(min: number, max = Number.MAX_SAFE_INTEGER): Shape<number> {
  return (value, path) => {
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < min || value > max)
      throw mismatch(path, `an integer from ${min} to ${max}`, value);
    return value;
  };
}

export const boolean: Shape<boolean> = (value, path) => {
  if (typeof value !== "boolean") throw mismatch(path, "true or false", value);
  return value;
};

/** Exactly this value. */
export function literal<const T extends string | number>(wanted: T): Shape<T> {
  return (value, path) => {
    if (value !== wanted) throw mismatch(path, JSON.stringify(wanted), value);
    return wanted;
  };
}

/** A string that `parse` accepts; for branded strings. */
export function parsed<T>(parse: (text: string) => T | undefined, what: string): Shape<T> {
  return (value, path) => {
    const result = typeof value === "string" ? parse(value) : undefined;
    if (result === undefined) throw mismatch(path, what, value);
    return result;
  };
}

function at(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

const SHOWN_MAX = 60;

function mismatch(path: string, expected: string, value: unknown): ShapeError {
  const shown = value === undefined ? "nothing" : JSON.stringify(value).slice(0, SHOWN_MAX);
  return new ShapeError(`${path === "" ? "the whole value" : path}: expected ${expected}, got ${shown}`);
}
