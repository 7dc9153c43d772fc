/** Which generation an image that runs belongs to. */
import type { RunningImage } from "./machine.ts";
import type { Records } from "./records.ts";

/** The number that is known for it when that generation has this image; else any generation that has. */
export function generationNumberOf(image: RunningImage | undefined, records: Records): number | undefined {
  if (image === undefined) return undefined;
  const same = records.deployments.filter((deployment) => deployment.image.digest === image.digest);
  return (same.find(({ number }) => number === image.generation) ?? same.at(-1))?.number ?? image.generation;
}
