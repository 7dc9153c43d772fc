/** What can be wrong with a config. Every problem says where, at which option, what was expected and what was found. */
import { AshlarError } from "#errors";
import { formatPath } from "./option-path.ts";
import type { OptionPath } from "./option-path.ts";

export type ConfigErrorCode =
  | "E_CONFIG_NOT_FOUND"
  | "E_CONFIG_TYPE"
  | "E_CONFIG_SYNTAX"
  | "E_CONFIG_FAILED"
  | "E_CONFIG_INVALID"
  | "E_CONFIG_CONFLICT"
  | "E_CONFIG_HERMETIC"
  | "E_CONFIG_TIMEOUT"
  | "E_CONFIG_MEMORY"
  | "E_CONFIG_SOURCE";

/** A place in a file that a person wrote; lines and columns count from 1. */
export interface Position {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** One thing wrong with one option. */
export interface Problem {
  readonly path: OptionPath;
  /** "expected an absolute path, found \"etc/motd\"" */
  readonly message: string;
  readonly hint?: string;
  /** The value, when showing it helps to find it; never a secret. */
  readonly found?: unknown;
}

const SHOWN = 10;

/** One error for all problems of a config; the first ten are listed. */
export function invalid(file: string, problems: readonly Problem[], locate: (problem: Problem) => Position | undefined): AshlarError {
  const placed = problems.map((problem) => ({ problem, position: locate(problem) ?? { file } })).sort(byPosition);
  const lines = placed.slice(0, SHOWN).map(({ problem, position }) => {
    const hint = problem.hint === undefined ? "" : ` (${problem.hint})`;
    return `${formatPosition(position)}: ${formatPath(problem.path)}: ${problem.message}${hint}`;
  });
  const more = problems.length > SHOWN ? [`… and ${problems.length - SHOWN} more`] : [];
  const one = problems.length === 1;
  const message = one ? (lines[0] ?? "") : `${problems.length} problems in ${file}:\n  ${[...lines, ...more].join("\n  ")}`;
  return new AshlarError<ConfigErrorCode>("E_CONFIG_INVALID", message, {
    hint: "`ashlar schema` describes every option",
    details: {
      problems: placed.map(({ problem, position }) => ({
        ...position,
        option: formatPath(problem.path),
        message: problem.message,
        hint: problem.hint,
      })),
    },
  });
}

interface Placed {
  readonly problem: Problem;
  readonly position: Position;
}

/** In the order of a reader; what has no line comes first, because it is about the whole file. */
function byPosition({ position: a }: Placed, { position: b }: Placed): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}

/** "system.ts:12:5", the form that terminals and editors make clickable. */
export function formatPosition(position: Position): string {
  return [position.file, position.line, position.column].filter((part) => part !== undefined).join(":");
}
