/** Attempts of a config to depend on something that is not written in it. */

const violations: HermeticError[] = [];

/** Thrown where a config reaches for the clock, chance, the machine or the network. */
export class HermeticError extends Error {
  override readonly name = "HermeticError";

  /** The import that was refused, as it is written, and the URL of the module that has it. */
  readonly specifier: string | undefined;
  readonly importer: string | undefined;

  constructor(what: string, why: string, refused: { readonly specifier?: string; readonly importer?: string | undefined } = {}) {
    super(`${what} is not available: ${why}`);
    this.specifier = refused.specifier;
    this.importer = refused.importer;
    violations.push(this);
  }
}

/** The first violation, also when the config caught the error. */
export function firstViolation(): HermeticError | undefined {
  return violations[0];
}
