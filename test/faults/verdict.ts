/** What the two file systems of a disk say about which generations can start. */

/** A boot entry that systemd-boot shows. */
export interface EspEntry {
  readonly fileName: string;
  readonly generation: number;
  /** Digest of the image that it starts. */
  readonly image: string;
  /** It is known to be good, or may be tried. */
  readonly startable: boolean;
}

export interface EspVerdict {
  readonly problems: readonly string[];
  readonly entries: readonly EspEntry[];
  /** What starts when nobody chooses; undefined when nothing of ours does. */
  readonly next: number | undefined;
  /** What starts when the file system has been mended, where it has to be. */
  readonly later?: number | undefined;
}

export interface RootVerdict {
  readonly problems: readonly string[];
  /** Generations with a record that can be read. */
  readonly records: ReadonlySet<number>;
  /** Images with a name in the store, and what is wrong with each: a list of nothing for a whole one. */
  readonly images: ReadonlyMap<string, readonly string[]>;
  /** Contents of the files that were asked for; undefined for those that are not there. */
  readonly kept: ReadonlyMap<string, string | undefined>;
}

/** Everything that breaks a promise: some generation of those allowed starts, everything that could start is whole. */
export function judge(
  esp: EspVerdict,
  root: RootVerdict,
  allowed: { readonly generations: readonly number[]; readonly kept: Readonly<Record<string, string>> },
): string[] {
  const wrong = [esp.next, ...("later" in esp ? [esp.later] : [])].filter(
    (next) => next === undefined || !allowed.generations.includes(next),
  );
  return [
    ...esp.problems,
    ...root.problems,
    ...wrong.map((next) => `${next === undefined ? "nothing" : `generation ${next}`} starts, not ${allowed.generations.join(" or ")}`),
    ...esp.entries
      .filter(({ startable }) => startable)
      .flatMap(({ generation, image }) => [
        ...(root.records.has(generation) ? [] : [`generation ${generation} has a boot entry and no record`]),
        ...(root.images.get(image) ?? ["it is not in the store"]).map((why) => `image ${image} of generation ${generation}: ${why}`),
      ]),
    ...Object.entries(allowed.kept)
      .filter(([path, text]) => root.kept.get(path) !== text)
      .map(([path]) => `/state/${path} has ${JSON.stringify(root.kept.get(path))}`),
  ];
}
