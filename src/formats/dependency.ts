/**
 * Relations between packages, as in Depends and Provides.
 * https://www.debian.org/doc/debian-policy/ch-relationships.html
 */
import { AshlarError } from "#errors";

export type DependencyErrorCode = "E_DEPENDENCY_SYNTAX";

export interface Relation {
  readonly name: string;
  /** "any", "native" or an architecture, from "name:any". */
  readonly qualifier?: string;
  readonly version?: { readonly operator: string; readonly value: string };
}

/** "a (>= 1) | b, c" → [[a ≥ 1, b], [c]]: every group must be met, by any one of its alternatives. @throws E_DEPENDENCY_SYNTAX */
export function parseDependencies(text: string): Relation[][] {
  const groups = text.split(",").map((group) => group.trim());
  return groups.filter((group) => group !== "").map((group) => group.split("|").map((relation) => parseRelation(relation.trim())));
}

function parseRelation(text: string): Relation {
  const match = /^([a-z0-9][a-z0-9+.-]*)(?::([a-z0-9-]+))?\s*(?:\(\s*(<<|<=|=|>=|>>|<|>)\s*([^\s)]+)\s*\))?(?:\s*\[[^\]]*\])?$/.exec(text);
  const [, name, qualifier, operator, value] = match ?? [];
  if (name === undefined) throw new AshlarError<DependencyErrorCode>("E_DEPENDENCY_SYNTAX", `"${text}" is not a relation to a package`);
  return {
    name,
    ...(qualifier === undefined ? {} : { qualifier }),
    ...(operator === undefined || value === undefined ? {} : { version: { operator, value } }),
  };
}
