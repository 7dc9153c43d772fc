/**
 * A config must be plain data that JSON can carry without loss. Everything else is found here, before anything looks
 * at what the options mean. No imports at run time: evaluation loads this file.
 */
import type { OptionPath } from "./option-path.ts";

export interface PlainProblem {
  readonly path: OptionPath;
  readonly message: string;
  readonly hint?: string;
}

/** The deepest option of the schema is six levels down; more than this is an accident or an attack. */
const DEPTH_MAX = 32;

/** Keys that change what an object is instead of what is in it. */
const FORBIDDEN_KEYS = new Set(["__proto__", "constructor", "prototype"]);

/**
 * Finds what cannot be carried by JSON exactly: functions, NaN, integers above 2^53, cycles, class instances, null,
 * half surrogate pairs, `__proto__`. `undefined` in an object means "not written" and is allowed.
 */
export function plainProblems(value: unknown): PlainProblem[] {
  const problems: PlainProblem[] = [];
  walk(value, [], new Set(), problems);
  return problems;
}

function walk(value: unknown, path: OptionPath, parents: Set<object>, problems: PlainProblem[]): void {
  const say = (found: string, hint?: string): void => {
    problems.push({ path, message: `expected plain data, found ${found}`, ...(hint === undefined ? {} : { hint }) });
  };
  switch (typeof value) {
    case "boolean":
      return;
    case "string":
      if (!value.isWellFormed()) say("text with half a surrogate pair, which UTF-8 cannot express");
      return;
    case "number":
      if (!Number.isFinite(value)) say(String(value));
      else if (Number.isInteger(value) && !Number.isSafeInteger(value)) say(`${value}, which is beyond exact integers (2^53)`);
      return;
    case "bigint":
      return say(`the integer ${value}${value > 2n ** 53n ? ", which is beyond exact integers (2^53)" : "n"}`, "write a number");
    case "undefined":
      return say("undefined", "leave it out");
    case "function":
      return say("a function", "call it");
    case "symbol":
      return say("a symbol");
    case "object":
      break;
  }
  if (value === null) return say("null", "leave the option out to get its default");
  if (parents.has(value)) return say("an object that contains itself");
  if (path.length >= DEPTH_MAX) return say(`more than ${DEPTH_MAX} levels`);
  parents.add(value);
  if (Array.isArray(value)) for (const [index, item] of value.entries()) walk(item, [...path, index], parents, problems);
  else walkObject(value, path, parents, problems);
  parents.delete(value);
}

function walkObject(value: object, path: OptionPath, parents: Set<object>, problems: PlainProblem[]): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    const name = value.constructor.name || "a class";
    const hint = value instanceof Promise ? "write await before it" : "write an object literal";
    problems.push({ path, message: `expected plain data, found an instance of ${name}`, hint });
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    if (FORBIDDEN_KEYS.has(key)) problems.push({ path, message: `${key} is not allowed as a name here` });
    else if (item !== undefined) walk(item, [...path, key], parents, problems);
  }
}
