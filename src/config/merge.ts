/** Composition of systems. */
import type { SystemInput } from "./input.ts";
import { formatPath } from "./option-path.ts";
import type { OptionPath } from "./option-path.ts";
import { isPlainObject, Override, withoutOverrides } from "./override.ts";
import { withoutShorthands } from "./shorthand.ts";

/** Some options of a system; what `merge` puts together. */
export type SystemPart = { readonly [Option in keyof SystemInput]?: SystemInput[Option] | undefined };

/** Two parts want different values for one option. */
export class MergeConflict extends Error {
  override readonly name = "MergeConflict";
  readonly path: OptionPath;
  /** The two values, and which arguments of `merge` (from 1) they came from. */
  readonly sides: readonly { readonly value: unknown; readonly argument: number }[];

  constructor(path: OptionPath, sides: readonly Side[]) {
    super(`${formatPath(path)} is ${sides.map((side) => `${show(side.value)} in argument ${side.argument} of merge`).join(" and ")}`);
    this.path = path;
    this.sides = sides.map((side) => ({ value: withoutOverrides(side.value), argument: side.argument }));
  }
}

/**
 * Puts parts together: records are merged, lists united (order kept, each item once), and a value that is the same
 * everywhere stays. Two different values for one option are refused, unless one of them is an `override`.
 * The result has a name when a part has one; evaluation asks for it.
 * @throws MergeConflict names the option, both values and where they come from
 */
export function merge(...parts: readonly SystemPart[]): SystemInput {
  const sides = parts.map((part, index) => ({ value: withoutShorthands(part) as unknown, argument: index + 1 }));
  return (sides.length === 0 ? {} : combine([], sides)) as SystemInput;
}

interface Side {
  readonly value: unknown;
  readonly argument: number;
}

function combine(path: OptionPath, all: readonly Side[]): unknown {
  const sides = all.filter((side) => side.value !== undefined);
  const overrides = sides.filter((side) => side.value instanceof Override);
  const [first, ...others] = overrides.length > 0 ? overrides : sides;
  if (first === undefined) return undefined;
  if (overrides.length === 0 && sides.every((side) => Array.isArray(side.value)))
    return unite(sides.map((side) => side.value as unknown[]));
  if (overrides.length === 0 && sides.every((side) => isPlainObject(side.value))) return combineRecords(path, sides);
  for (const other of others) if (!isSame(first.value, other.value)) throw new MergeConflict(path, [first, other]);
  return first.value;
}

function combineRecords(path: OptionPath, sides: readonly Side[]): unknown {
  const records = sides.map((side) => ({ record: side.value as Readonly<Record<string, unknown>>, argument: side.argument }));
  const keys = new Set(records.flatMap(({ record }) => Object.keys(record)));
  const at = (key: string): Side[] =>
    records.filter(({ record }) => Object.hasOwn(record, key)).map(({ record, argument }) => ({ value: record[key], argument }));
  return Object.fromEntries([...keys].map((key) => [key, combine([...path, key], at(key))]));
}

function unite(lists: readonly (readonly unknown[])[]): unknown[] {
  const united: unknown[] = [];
  for (const item of lists.flat()) if (!united.some((known) => isSame(known, item))) united.push(item);
  return united;
}

function isSame(a: unknown, b: unknown): boolean {
  if (a instanceof Override && b instanceof Override) return isSame(a.value, b.value);
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, index) => isSame(item, b[index]));
  if (!isPlainObject(a) || !isPlainObject(b)) return Object.is(a, b);
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key]));
}

function show(value: unknown): string {
  const plain = withoutOverrides(value);
  return typeof plain === "object" && plain !== null
    ? Array.isArray(plain)
      ? "a list"
      : "an object"
    : (JSON.stringify(plain) ?? String(plain));
}
