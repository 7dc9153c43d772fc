/**
 * The packages that a list of packages needs. Simple on purpose: the first alternative that exists, no Recommends, no
 * Conflicts. Good for tools that are only unpacked; systems are resolved by apt.
 */
import { satisfiesRelation } from "#formats/debversion.ts";
import { parseDependencies } from "#formats/dependency.ts";
import type { Relation } from "#formats/dependency.ts";
import type { Candidate, Catalog } from "#archive/catalog.ts";
import { toolchainError } from "./errors.ts";

/** Sorted by name. @throws E_TOOLCHAIN_UNSATISFIABLE naming the package and who needs it */
export function solveClosure(names: readonly string[], catalog: Catalog): Candidate[] {
  const chosen = new Map<string, Candidate>();
  const provided = new Map<string, string[]>();
  const queue: { readonly group: readonly Relation[]; readonly neededBy: string }[] = names.map((name) => ({
    group: [{ name }],
    neededBy: "the tools tree",
  }));
  const isMet = (relation: Relation): boolean => {
    const real = chosen.get(relation.name);
    return (
      (real !== undefined && fits(real.version, relation)) || (provided.get(relation.name) ?? []).some((version) => fits(version, relation))
    );
  };
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { group, neededBy } = next;
    if (group.some(isMet)) continue;
    const candidate = group.map((relation) => candidateFor(relation, catalog)).find((found) => found !== undefined);
    if (candidate === undefined)
      throw toolchainError(
        "E_TOOLCHAIN_UNSATISFIABLE",
        `no package satisfies ${group.map(({ name }) => name).join(" | ")}, needed by ${neededBy}`,
      );
    chosen.set(candidate.name, candidate);
    for (const { name, version } of parseDependencies(candidate.provides).flat())
      provided.set(name, [...(provided.get(name) ?? []), version?.value ?? ""]);
    for (const field of [candidate.preDepends, candidate.depends])
      for (const dependency of parseDependencies(field)) queue.push({ group: dependency, neededBy: candidate.name });
  }
  return [...chosen.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function candidateFor(relation: Relation, catalog: Catalog): Candidate | undefined {
  const real = catalog.candidates(relation.name).find((candidate) => fits(candidate.version, relation));
  if (real !== undefined) return real;
  return catalog.providers(relation.name).find((provider) =>
    parseDependencies(provider.provides)
      .flat()
      .some(({ name, version }) => name === relation.name && fits(version?.value ?? "", relation)),
  );
}

/** An unversioned Provides ("") satisfies only an unversioned relation (Debian policy 7.5). */
function fits(version: string, { version: wanted }: Relation): boolean {
  return wanted === undefined || (version !== "" && satisfiesRelation(version, wanted.operator, wanted.value));
}
