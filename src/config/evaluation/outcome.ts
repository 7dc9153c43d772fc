/** What the evaluating process says at its end: one line of JSON on standard output. */
import type { OptionPath } from "../option-path.ts";
import type { PlainProblem } from "../plain.ts";

/** TypeScript modules that were loaded, Ashlar's own among them. */
export interface Scripts {
  readonly loaded: readonly string[];
  /** Whether the JavaScript of one had to be made. */
  readonly missed: boolean;
}

export type Outcome = { readonly modules: readonly string[]; readonly scripts: Scripts } & (
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "no-export" }
  | { readonly kind: "not-plain"; readonly problems: readonly PlainProblem[] }
  | {
      readonly kind: "conflict";
      readonly path: OptionPath;
      readonly sides: readonly { readonly value: unknown; readonly argument: number }[];
      readonly stack: string;
    }
  | ({ readonly kind: "hermetic"; readonly message: string; readonly stack: string } & WrittenImport)
  | ({
      readonly kind: "failed";
      readonly name: string;
      readonly message: string;
      readonly stack: string;
      readonly code?: string;
      /** The path that could not be read. */
      readonly resource?: string;
    } & WrittenImport)
);

/** The import that failed, when it was one: its text, and the URL of the module that has it. */
export interface WrittenImport {
  readonly specifier?: string;
  readonly importer?: string;
}
