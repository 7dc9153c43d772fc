/** What of a machine's generations is damaged or missing, and how large it should be. */
import type { Deployment } from "#deployment/deployment.ts";
import { objectsOfImage } from "#formats/erofs/reader.ts";
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
 * @param trusted what images refer to was looked for when the store was measured, and need not be again
 */
export function damageOf(
  problems: readonly StoreProblem[],
  store: Store,
  { deployments, trusted }: { readonly deployments: readonly Deployment[]; readonly trusted: boolean },
): Damage[] {
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
    if (trusted || damaged.has(image.digest) || !store.has(image.digest)) continue;
    for (const { object, size } of contentsOf(image.digest, store)) need(object, size, number);
  }
  return [...needed].map(([object, found]) => ({ object, ...found })).sort((a, b) => (a.object < b.object ? -1 : 1));
}

/** Objects of an image with their sizes. */
function contentsOf(image: ObjectId, store: Store): { readonly object: ObjectId; readonly size: number }[] {
  return objectsOfImage(store.read(image)).flatMap(({ object, size }) => {
    const id = parseObjectId(object);
    return id === undefined ? [] : [{ object: id, size }];
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
