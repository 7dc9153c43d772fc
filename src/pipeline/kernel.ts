/** The kernel and initrd of a tree. Compressing an initrd takes a second, so it is done once for each content. */
import { compressInitrd, gatherInitrd } from "#boot/initrd.ts";
import type { System } from "#config/system.ts";
import type { Image } from "#image/image.ts";
import type { Step } from "#report/reporter.ts";
import type { ObjectId } from "#store/object.ts";
import { getRef, putRef } from "#store/refs.ts";
import type { Store } from "#store/store.ts";
import { hash } from "node:crypto";
import type { Tree } from "#tree/tree.ts";

interface InitrdRecord {
  readonly object: ObjectId;
}

export async function cachedKernel(
  tree: Tree,
  system: System,
  epoch: number,
  store: Store,
  step: Step,
): Promise<NonNullable<Image["kernel"]>> {
  const { archive, kernelVersion, linux } = gatherInitrd(tree, store, { modules: system.kernel.initrdModules, epoch });
  const key = hash("sha256", archive);
  const known = getRef(store, "initrds", key) as InitrdRecord | undefined;
  const cached = known !== undefined && store.has(known.object);
  const initrd = cached ? known.object : store.add(compressInitrd(archive));
  if (cached) step.cached();
  else putRef(store, "initrds", key, { object: initrd } satisfies InitrdRecord);
  return { version: kernelVersion, linux, initrd, arguments: system.kernel.arguments };
}
