/**
 * What a config must not depend on: the clock, chance, the machine, the network. Using one of these throws, and is
 * remembered, so that a `try` around it does not help.
 */
import { HermeticError } from "./violation.ts";

/** Takes the clock, chance, the environment and timers away from everything that is loaded after this call. */
export function withholdGlobals(): void {
  withholdClock();
  Math.random = refusing("Math.random()", CHANCE);
  replace("crypto", forbidden("crypto", CHANCE));
  replace("performance", forbidden("performance", CLOCK));
  replace("process", forbidden("process", MACHINE));
  replace("navigator", forbidden("navigator", MACHINE));
  for (const name of ["fetch", "WebSocket", "EventSource"]) replace(name, refusing(`${name}()`, "the network is not there"));
  for (const name of ["setTimeout", "setInterval", "setImmediate"]) replace(name, refusing(`${name}()`, CLOCK));
}

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
  // Some globals of Node load themselves when they are redefined, which takes longer than the whole evaluation; not when deleted.
  Reflect.deleteProperty(globalThis, name);
  Object.defineProperty(globalThis, name, { value, configurable: false, writable: false });
}
