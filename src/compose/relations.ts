/**
 * Whether installed packages fit together: what each needs is there, and none excludes another.
 * https://www.debian.org/doc/debian-policy/ch-relationships.html
 */
import { satisfiesRelation } from "#formats/debversion.ts";
import { fieldOf } from "#formats/deb822.ts";
import { parseDependencies } from "#formats/dependency.ts";
import type { Relation } from "#formats/dependency.ts";
import type { Package } from "./database.ts";

export interface Misfit {
  readonly package: string;
  readonly field: string;
  /** As in the stanza: "libssl3t64 (>= 3.5)". */
  readonly relation: string;
  /** The package that is in the way, or the one of that name with the wrong version. */
  readonly other?: string;
}

const NEEDS = ["Pre-Depends", "Depends"] as const;
const EXCLUDES = ["Conflicts", "Breaks"] as const;

/** Everything that does not fit, in the order of package names. */
export function misfits(packages: ReadonlyMap<string, Package>): Misfit[] {
  const provided = providersOf(packages);
  const names = [...packages.keys()].sort((a, b) => (a < b ? -1 : 1));
  return names.flatMap((name) => {
    const given = packages.get(name)!;
    return [...unmet(given, packages, provided), ...excluded(given, packages, provided)];
  });
}

/** The changes that would make them fit, package by package, of those that another set of packages offers. */
export function companions(
  chosen: ReadonlySet<string>,
  compose: (chosen: ReadonlySet<string>) => ReadonlyMap<string, Package>,
  offered: (name: string) => boolean,
): ReadonlySet<string> | undefined {
  let known = chosen;
  for (;;) {
    const wrong = misfits(compose(known));
    if (wrong.length === 0) return known;
    const more = wrong.flatMap((misfit) => [
      misfit.package,
      ...parseDependencies(misfit.relation)
        .flat()
        .map(({ name }) => name),
      misfit.other ?? "",
    ]);
    const next = new Set([...known, ...more.filter((name) => offered(name))]);
    if (next.size === known.size) return undefined;
    known = next;
  }
}

interface Provided {
  readonly by: string;
  readonly version: string | undefined;
}

function providersOf(packages: ReadonlyMap<string, Package>): Map<string, Provided[]> {
  const provided = new Map<string, Provided[]>();
  for (const { name, fields } of packages.values())
    for (const relation of parseDependencies(fieldOf(fields, "Provides") ?? "").flat())
      provided.set(relation.name, [...(provided.get(relation.name) ?? []), { by: name, version: relation.version?.value }]);
  return provided;
}

type Installed = ReadonlyMap<string, Package>;
type Providers = ReadonlyMap<string, readonly Provided[]>;

function unmet({ name, fields }: Package, packages: Installed, provided: Providers): Misfit[] {
  return NEEDS.flatMap((field) =>
    parseDependencies(fieldOf(fields, field) ?? "")
      .filter((group) => !group.some((relation) => meets(relation, packages, provided)))
      .map((group) => {
        const other = group.find((relation) => packages.has(relation.name))?.name;
        return { package: name, field, relation: group.map(show).join(" | "), ...(other === undefined ? {} : { other }) };
      }),
  );
}

function excluded({ name, fields }: Package, packages: Installed, provided: Providers): Misfit[] {
  return EXCLUDES.flatMap((field) =>
    parseDependencies(fieldOf(fields, field) ?? "")
      .flat()
      .flatMap((relation) => {
        const real = packages.get(relation.name);
        const others = [
          ...(real !== undefined && fits(real.version, relation) ? [real.name] : []),
          ...(provided.get(relation.name) ?? []).filter(({ version }) => fitsProvided(version, relation)).map(({ by }) => by),
        ];
        const other = others.find((candidate) => candidate !== name);
        return other === undefined ? [] : [{ package: name, field, relation: show(relation), other }];
      }),
  );
}

function meets(relation: Relation, packages: Installed, provided: Providers): boolean {
  const real = packages.get(relation.name);
  if (real !== undefined && fits(real.version, relation)) return true;
  return (provided.get(relation.name) ?? []).some(({ version }) => fitsProvided(version, relation));
}

function fits(version: string, { version: wanted }: Relation): boolean {
  return wanted === undefined || satisfiesRelation(version, wanted.operator, wanted.value);
}

/** A name that is provided without a version meets no relation that asks for one. */
function fitsProvided(version: string | undefined, relation: Relation): boolean {
  return relation.version === undefined || (version !== undefined && fits(version, relation));
}

function show({ name, version }: Relation): string {
  return version === undefined ? name : `${name} (${version.operator} ${version.value})`;
}
