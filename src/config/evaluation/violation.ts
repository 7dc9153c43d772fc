/** Attempts of a config to depend on something that is not written in it. */

const violations: HermeticError[] = [];

/** Thrown where a config reaches for the clock, chance, the machine or the network. */
export class HermeticError extends Error {
  override readonly name = "HermeticError";

  constructor(what: string, why: string) {
    super(`${what} is not available: ${why}`);
    violations.push(this);
  }
}

/** The first violation, also when the config caught the error. */
export function firstViolation(): HermeticError | undefined {
  return violations[0];
}
