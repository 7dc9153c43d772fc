/** A set of layers as a value: it has no order and no history, only members. */
import { compareBytes } from "#formats/bytes.ts";
import type { LayerDeb, LayerFolder, LayerSet } from "#deployment/layers.ts";

export const NO_LAYERS: LayerSet = { packages: [], debs: [], folders: [] };

/** The set with these members too. A file replaces a package and a file of the same name, a folder one of the same name. */
export function withMembers(set: LayerSet, added: Partial<LayerSet>): LayerSet {
  const { packages = [], debs = [], folders = [] } = added;
  return canonical({
    packages: [...set.packages.filter((name) => !debs.some((deb) => deb.name === name)), ...packages],
    debs: [...set.debs.filter(({ name }) => !debs.some((deb) => deb.name === name) && !packages.includes(name)), ...debs],
    folders: [...set.folders.filter(({ name }) => !folders.some((folder) => folder.name === name)), ...folders],
  });
}

/** The set without what has one of these names. */
export function withoutMembers(set: LayerSet, names: ReadonlySet<string>): LayerSet {
  const stays = ({ name }: LayerDeb | LayerFolder): boolean => !names.has(name);
  return { packages: set.packages.filter((name) => !names.has(name)), debs: set.debs.filter(stays), folders: set.folders.filter(stays) };
}

/** The part of the set that has one of these names. */
export function onlyMembers(set: LayerSet, names: ReadonlySet<string>): LayerSet {
  const stays = ({ name }: LayerDeb | LayerFolder): boolean => names.has(name);
  return { packages: set.packages.filter((name) => names.has(name)), debs: set.debs.filter(stays), folders: set.folders.filter(stays) };
}

export function isEmpty({ packages, debs, folders }: LayerSet): boolean {
  return packages.length + debs.length + folders.length === 0;
}

function canonical({ packages, debs, folders }: LayerSet): LayerSet {
  const byName = (a: LayerDeb, b: LayerDeb): number => compareBytes(a.name, b.name);
  return {
    packages: [...new Set(packages)].sort(compareBytes),
    debs: debs.toSorted(byName),
    // By content: what a folder was called has no meaning.
    folders: folders.toSorted((a, b) => compareBytes(a.tree, b.tree) || compareBytes(a.name, b.name)),
  };
}
