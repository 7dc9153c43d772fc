/** The way to have the last word in a merge. */

/** A value that wins; made by {@link override} only. */
export class Override {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

/**
 * Marks a value that wins over the other values of the same option in a `merge`; a list replaces instead of being
 * united, and `override(undefined)` takes an option out. Two different overrides of one option are a conflict again.
 *
 * @example
 * ```ts
 * merge(common, { name: "lab", timezone: override("Europe/Berlin"), packages: override(["openssh-server"]) });
 * ```
 */
export function override<T>(value: T): T {
  // The mark travels as the value's type, so that `override` can stand wherever a value can; `merge` and evaluation take it off.
  return new Override(value) as T;
}

/** A copy without marks. */
export function withoutOverrides(value: unknown): unknown {
  if (value instanceof Override) return withoutOverrides(value.value);
  if (Array.isArray(value)) return value.map(withoutOverrides);
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutOverrides(item)]));
}

/** True for object literals: neither lists nor instances of classes. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
