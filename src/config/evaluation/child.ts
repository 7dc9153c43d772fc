/**
 * The process that evaluates a `system.ts`: started by `evaluate.ts` (through `start.mjs`) with Node's permission model, so
 * that it can read the project's folder and nothing else, and with no clock, chance or environment (`globals.ts`).
 */
import { Console } from "node:console";
import { MergeConflict } from "../merge.ts";
import { withoutOverrides } from "../override.ts";
import { plainProblems } from "../plain.ts";
import { withholdGlobals } from "./globals.ts";
import type { Outcome, Scripts } from "./outcome.ts";
import { restrictImports } from "./resolve.ts";
import { firstViolation, HermeticError } from "./violation.ts";

/** Evaluates the module `target`, a URL, and writes its outcome to standard output. Once in a process: it takes globals away. */
export async function evaluateConfig(target: string, scripts: Scripts): Promise<void> {
  const write = process.stdout.write.bind(process.stdout);
  // What a config prints is for people; standard output is for the result.
  globalThis.console = new Console(process.stderr, process.stderr);
  // A merge of nested records is deeper than the usual ten frames; its caller must be among them.
  Error.stackTraceLimit = 100;
  const modules = restrictImports();
  withholdGlobals();
  write(JSON.stringify({ modules, scripts, ...(await evaluate(target)) } satisfies Outcome));
}

type Result = Outcome extends infer Each ? (Each extends Outcome ? Omit<Each, "modules" | "scripts"> : never) : never;

async function evaluate(target: string): Promise<Result> {
  try {
    const module: { readonly default?: unknown } = (await import(target)) as { default?: unknown };
    const value = withoutOverrides(await module.default);
    const violation = firstViolation();
    if (violation !== undefined) return describe(violation);
    if (value === undefined) return { kind: "no-export" };
    const problems = plainProblems(value);
    return problems.length > 0 ? { kind: "not-plain", problems } : { kind: "value", value };
  } catch (error) {
    return describe(firstViolation() ?? error);
  }
}

function describe(error: unknown): Result {
  if (!(error instanceof Error)) return { kind: "failed", name: "Error", message: String(error), stack: "" };
  const stack = error.stack ?? "";
  const { message } = error;
  if (error instanceof HermeticError) return { kind: "hermetic", message, stack, ...texts(error, "specifier", "importer") };
  if (error instanceof MergeConflict) {
    const sides = error.sides.map(({ value, argument }) => ({ value: value ?? null, argument }));
    return { kind: "conflict", path: error.path, sides, stack };
  }
  return { kind: "failed", name: error.name, message, stack, ...texts(error, "code", "resource", "specifier", "importer") };
}

/** Those of the named properties that are texts. */
function texts<Name extends string>(error: object, ...names: readonly Name[]): { [Key in Name]?: string } {
  return Object.fromEntries(Object.entries(error).filter(([key, value]) => names.includes(key as Name) && typeof value === "string")) as {
    [Key in Name]?: string;
  };
}
