/** What of a machine's generations is damaged or missing, and how large it should be. */
import type { Deployment } from "#deployment/deployment.ts";
import { readImage } from "#formats/erofs/reader.ts";
import { parseObjectId } from "#store/object.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import type { StoreProblem } from "#store/fsck.ts";

export interface Damage {
  readonly object: ObjectId;
  /** Bytes; undefined when only a release can tell. */
  readonly size: number | undefined;
  /** Generations that need it. */
  readonly generations: readonly number[];
}

/**
 * Damaged objects that generations need. An image that cannot be read hides what else is damaged: look again once it is whole.
 * @param problems of the store
 */
export function damageOf(problems: readonly StoreProblem[], deployments: readonly Deployment[], store: Store): Damage[] {
  const damaged = new Set(problems.flatMap((problem) => ("object" in problem && problem.kind !== "unprotected" ? [problem.object] : [])));
  const needed = new Map<ObjectId, { size: number | undefined; generations: number[] }>();
  const need = (object: ObjectId, size: number | undefined, generation: number): void => {
    if (!damaged.has(object) && store.has(object)) return;
    const known = needed.get(object) ?? { size, generations: [] };
    if (!known.generations.includes(generation)) known.generations.push(generation);
    needed.set(object, { size: known.size ?? size, generations: known.generations });
  };
  for (const { number, image } of deployments) {
    need(image.digest, undefined, number);
    for (const object of image.kernel === undefined ? [] : [image.kernel.linux, image.kernel.initrd]) need(object, undefined, number);
    for (const { object, size } of damaged.has(image.digest) || !store.has(image.digest) ? [] : contentsOf(image.digest, store))
      need(object, size, number);
  }
  return [...needed].map(([object, found]) => ({ object, ...found })).sort((a, b) => (a.object < b.object ? -1 : 1));
}

/** Objects of an image with their sizes; none when the image lies about its form, which its own digest would have told. */
function contentsOf(image: ObjectId, store: Store): { readonly object: ObjectId; readonly size: number }[] {
  return readImage(store.read(image)).flatMap((entry) => {
    const object = entry.hardlink === undefined ? parseObjectId(entry.digest ?? "") : undefined;
    return object === undefined || entry.hardlink !== undefined ? [] : [{ object, size: entry.size }];
  });
}

/** One line for each generation that something is wrong with. */
export function describeDamage(damage: readonly Damage[]): string[] {
  const numbers = [...new Set(damage.flatMap(({ generations }) => generations))].sort((a, b) => a - b);
  return numbers.map((number) => {
    const objects = damage.filter(({ generations }) => generations.includes(number));
    return `generation ${number} needs ${objects.length === 1 ? "1 damaged object" : `${objects.length} damaged objects`}`;
  });
}
