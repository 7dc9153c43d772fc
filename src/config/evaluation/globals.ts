/**
 * What a config must not depend on: the clock, chance, the machine, the network. Using one of these throws, and is
 * remembered, so that a `try` around it does not help.
 */
import { HermeticError } from "./violation.ts";

/** Takes everything but the language and a few pure classes away from what is loaded after this call. */
export function withholdGlobals(): void {
  for (const name of Object.getOwnPropertyNames(globalThis)) if (!KEPT.has(name)) Reflect.deleteProperty(globalThis, name);
  withholdClock();
  Math.random = refusing("Math.random()", CHANCE);
  replace("crypto", forbidden("crypto", CHANCE));
  replace("performance", forbidden("performance", CLOCK));
  replace("process", forbidden("process", MACHINE));
  replace("navigator", forbidden("navigator", MACHINE));
  for (const name of ["fetch", "WebSocket", "EventSource"]) replace(name, refusing(`${name}()`, "the network is not there"));
  for (const name of ["setTimeout", "setInterval", "setImmediate"]) replace(name, refusing(`${name}()`, CLOCK));
}

/**
 * The language without shared memory and weak references, and classes of Node that only compute. A list of what stays: new
 * globals of Node may look at the clock (`Event.timeStamp` and `File.lastModified` do).
 */
const KEPT: ReadonlySet<string> = new Set(
  `Object Function Array Number Boolean String Symbol BigInt Promise RegExp Date Math JSON Intl Temporal Map Set WeakMap WeakSet
  Iterator Proxy Reflect ArrayBuffer DataView Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array
  BigInt64Array BigUint64Array Float16Array Float32Array Float64Array Error AggregateError EvalError RangeError ReferenceError
  SyntaxError TypeError URIError SuppressedError DisposableStack AsyncDisposableStack globalThis global undefined NaN Infinity
  parseFloat parseInt isFinite isNaN decodeURI decodeURIComponent encodeURI encodeURIComponent escape unescape eval
  console Buffer URL URLSearchParams TextEncoder TextDecoder structuredClone atob btoa queueMicrotask`.split(/\s+/),
);

const CLOCK = "a config must give the same result at any time";
const CHANCE = "a config must give the same result every time";
const MACHINE = "a config must give the same result on every machine";

function withholdClock(): void {
  const Original = Date;
  const now = refusing("Date.now()", CLOCK);
  const Frozen = new Proxy(Original, {
    construct(target, args: unknown[], newTarget) {
      if (args.length === 0) throw new HermeticError("new Date()", CLOCK);
      return Reflect.construct(target, args, newTarget) as Date;
    },
    apply: () => {
      throw new HermeticError("Date()", CLOCK);
    },
    get: (target, key, receiver): unknown => (key === "now" ? now : Reflect.get(target, key, receiver)),
  });
  // Otherwise `new Date(0).constructor` would be the way around.
  Object.defineProperty(Original.prototype, "constructor", { value: Frozen });
  replace("Date", Frozen);
  Intl.DateTimeFormat.prototype.formatToParts = refusing("Intl.DateTimeFormat", CLOCK);
  Object.defineProperty(Intl.DateTimeFormat.prototype, "format", { get: refusing("Intl.DateTimeFormat", CLOCK) });
  if ("Temporal" in globalThis) Object.defineProperty(globalThis.Temporal, "Now", { value: forbidden("Temporal.Now", CLOCK) });
}

function refusing(what: string, why: string): () => never {
  return () => {
    throw new HermeticError(what, why);
  };
}

function forbidden(name: string, why: string): object {
  const refuse = (key: string | symbol): never => {
    throw new HermeticError(`${name}.${String(key)}`, why);
  };
  return new Proxy({}, { get: (_target, key) => refuse(key), has: (_target, key) => refuse(key), ownKeys: () => refuse("*") });
}

function replace(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, configurable: false, writable: false });
}
