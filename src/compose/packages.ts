/** The packages of a composed generation, and whether they fit together. */
import { AshlarError } from "#errors";
import type { Package } from "./database.ts";
import type { ComposeErrorCode } from "./errors.ts";
import { companions, misfits } from "./relations.ts";
import type { Misfit } from "./relations.ts";
import type { Root } from "./root.ts";

/** This generation's packages, those chosen as the older one has them. */
export function composePackages(newer: Root, older: Root, chosen: ReadonlySet<string>): ReadonlyMap<string, Package> {
  const rest = [...newer.database.packages].filter(([name]) => !chosen.has(name));
  return new Map([...rest, ...[...older.database.packages].filter(([name]) => chosen.has(name))]);
}

/** @throws E_COMPOSE_DEPENDS naming what does not fit, and which parts would have to come along */
export function requireFit(newer: Root, older: Root, chosen: ReadonlySet<string>): void {
  const wrong = misfits(composePackages(newer, older, chosen));
  const [first] = wrong;
  if (first === undefined) return;
  const differs = (name: string): boolean => older.database.packages.get(name)?.stanza !== newer.database.packages.get(name)?.stanza;
  const all = companions(chosen, (names) => composePackages(newer, older, names), differs);
  const more = [...(all ?? [])].filter((name) => !chosen.has(name)).sort();
  const parts = more.map((name) => `packages.${name}`).join(",");
  throw new AshlarError<ComposeErrorCode>("E_COMPOSE_DEPENDS", wrong.slice(0, 5).map(describe).join("\n"), {
    hint: `${all === undefined ? "go back as a whole (`ashlar rollback`)" : `add to --only: ${parts}`}; nothing was changed`,
    details: { misfits: wrong, further: more.map((name) => `packages.${name}`) },
  });

  function describe({ package: name, field, relation, other }: Misfit): string {
    const version = composePackages(newer, older, chosen).get(name)?.version ?? "";
    const found = other === undefined ? undefined : composePackages(newer, older, chosen).get(other);
    const verb = field === "Depends" || field === "Pre-Depends" ? "needs" : field === "Breaks" ? "breaks" : "excludes";
    return `${name} ${version} ${verb} ${relation}${found === undefined ? "" : `, and ${found.name} is ${found.version}`}`;
  }
}

export interface PackageChange {
  readonly name: string;
  /** In this generation, null when it is not there. */
  readonly from: string | null;
  readonly to: string | null;
}

/** What composing does to packages, by name. */
export function packageChanges(newer: Root, older: Root, chosen: ReadonlySet<string>): PackageChange[] {
  return [...chosen]
    .sort()
    .map((name) => ({ name, from: versionIn(newer, name), to: versionIn(older, name) }))
    .filter(({ from, to }) => from !== to);
}

function versionIn({ database }: Root, name: string): string | null {
  return database.packages.get(name)?.version ?? null;
}
