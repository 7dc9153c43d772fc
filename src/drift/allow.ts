/** Drift that somebody allowed until a day: /state/ashlar/allowed.json, for all generations (docs/formats/drift.md). */
import { AshlarError, messageOf } from "#errors";
import { writeFileAtomic } from "#sys/atomic.ts";
import type { DriftErrorCode } from "./errors.ts";
import { isNamed } from "./finding.ts";
import type { Finding } from "./finding.ts";
import { textIfThere } from "#sys/if-there.ts";

export interface Allowance {
  /** As it was given: a name, a path, a folder, or `kind:name`. */
  readonly name: string;
  /** The last day on which it counts, "2027-01-31", in UTC. */
  readonly until: string;
  readonly because?: string;
  /** Seconds since 1970. */
  readonly since: number;
}

/** @throws E_DRIFT_ALLOWED_FORMAT; a file that cannot be read must not make drift look allowed or unknown */
export function readAllowed(path: string): Allowance[] {
  const text = textIfThere(path);
  if (text === undefined) return [];
  try {
    const { version, allowed } = JSON.parse(text) as { readonly version?: unknown; readonly allowed?: unknown };
    if (version !== 1 || !Array.isArray(allowed)) throw new Error("it is not of version 1");
    return allowed.map(parseAllowance);
  } catch (cause) {
    throw new AshlarError<DriftErrorCode>("E_DRIFT_ALLOWED_FORMAT", `${path} cannot be read: ${messageOf(cause)}`, {
      cause,
      hint: `move it away: nothing is allowed then`,
    });
  }
}

/** Writes the list, sorted by name. */
export function writeAllowed(path: string, allowed: readonly Allowance[]): void {
  const sorted = [...allowed].sort((a, b) => (a.name < b.name ? -1 : 1));
  writeFileAtomic(path, `${JSON.stringify({ version: 1, allowed: sorted }, undefined, 2)}\n`);
}

/** The list with one more, which replaces an older one of its name. */
export function allow(allowed: readonly Allowance[], added: Allowance): Allowance[] {
  return [...allowed.filter(({ name }) => name !== added.name), added];
}

export interface Judged<T extends Finding> {
  readonly open: readonly T[];
  readonly allowed: readonly (T & { readonly allowance: Allowance })[];
  /** No longer in force, and something still differs. */
  readonly expired: readonly Allowance[];
}

/** @param today "2027-01-31" */
export function judge<T extends Finding>(findings: readonly T[], allowances: readonly Allowance[], today: string): Judged<T> {
  const inForce = allowances.filter(({ until }) => until >= today);
  const open: T[] = [];
  const allowed: (T & { readonly allowance: Allowance })[] = [];
  for (const finding of findings) {
    const allowance = inForce.find(({ name }) => isNamed(finding, name));
    if (allowance === undefined) open.push(finding);
    else allowed.push({ ...finding, allowance });
  }
  const expired = allowances.filter((item) => item.until < today && open.some((finding) => isNamed(finding, item.name)));
  return { open, allowed, expired };
}

/**
 * A day as people write one: "2027-01-31", or a length of time from today, "14d", "6w".
 * @throws E_DRIFT_DATE
 */
export function parseDay(text: string, today: string): string {
  const [, count, unit] = /^(\d{1,3})(d|w)$/.exec(text) ?? [];
  if (count !== undefined) {
    const days = Number(count) * (unit === "w" ? 7 : 1);
    return new Date(Date.parse(`${today}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
  }
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== text || text < today)
    throw new AshlarError<DriftErrorCode>("E_DRIFT_DATE", `${JSON.stringify(text)} is no day from today (${today}) on`, {
      hint: "write --until 2027-01-31, or --until 14d",
      exitCode: 2,
    });
  return text;
}

function parseAllowance(value: unknown): Allowance {
  const { name, until, because, since } = value as Partial<Record<keyof Allowance, unknown>>;
  if (typeof name !== "string" || typeof until !== "string" || typeof since !== "number") throw new Error("an entry has no name or day");
  return { name, until, since, ...(typeof because === "string" ? { because } : {}) };
}
