/** The images that a machine has: what an upgrade may be a difference from. */
import { readAllRecords } from "#deployment/records.ts";
import type { BaseImage } from "#registry/stream.ts";
import type { ObjectId } from "#store/object.ts";
import type { AgentContext } from "./context.ts";

/** Each asks the source once where there is no difference: so many requests for nothing are few enough. */
const BASES_MAX = 4;

/** The newest generations first: they have most in common with what is new. */
export function basesOf({ machine }: AgentContext): BaseImage[] {
  const found = new Map<ObjectId, string>();
  for (const { image, layers, number } of [...readAllRecords(machine.deployments).deployments].sort((a, b) => b.number - a.number))
    for (const { digest } of layers === undefined ? [image] : [layers.base, image])
      if (!found.has(digest)) found.set(digest, `generation ${number}`);
  return [...found].slice(0, BASES_MAX).map(([image, name]) => ({ image, name }));
}
