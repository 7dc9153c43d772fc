/** From a base tree to an image in the store: everything after the packages. */
import { agentContributions } from "#agent/bundle.ts";
import { bootContributions } from "#boot/runtime.ts";
import type { LoadedSystem } from "#config/load.ts";
import { canonicalJson, digestOf } from "#formats/canonical-json.ts";
import type { Image } from "#image/image.ts";
import { sealTree } from "#image/seal.ts";
import type { Lock } from "#lock/lock.ts";
import type { Store } from "#store/store.ts";
import { assemble } from "#tree/assemble.ts";
import { dumpText } from "#tree/dump.ts";
import type { Tree } from "#tree/tree.ts";
import type { Context } from "./context.ts";
import { cachedKernel } from "./kernel.ts";
import { epochOf } from "./keys.ts";
import { ARCHIVES_FILE } from "./layers/base.ts";
import type { BuildRecord } from "./record.ts";

export interface BuiltImage {
  readonly record: BuildRecord;
  readonly tree: Tree;
  readonly ids: Lock["ids"];
}

/** Puts the config on a base and seals it. */
export async function buildImage(base: Tree, loaded: LoadedSystem, lock: Lock, store: Store, context: Context): Promise<BuiltImage> {
  // Layers come on top of what is built here, and may not shine through.
  const system = { ...loaded.system, layers: { packages: [], debs: [], folders: [] } };
  const epoch = epochOf(lock);
  const { tree, ids } = await context.report.step("apply the config", async () => {
    const archives = { kind: "file", path: ARCHIVES_FILE, content: `${canonicalJson(lock.archives)}\n`, mode: 0o644 } as const;
    const contributions = [...bootContributions(system), ...(await agentContributions(system, context.workspace)), archives];
    return assemble({ base, system, ids: lock.ids, sources: loaded.sources, contributions }, store);
  });
  const kernel = await context.report.step("make the initrd", async (step) => cachedKernel(tree, system, epoch, store, step));
  const digest = await context.report.step("write the image", async () => sealTree(tree, store));
  const image: Image = {
    version: 1,
    name: system.name,
    digest,
    kernel,
    // Only what a boot entry is made of: machines read this record strictly, also older ones.
    boot: { timeout: system.boot.timeout, tries: system.boot.tries },
    config: loaded.digest,
    lock: digestOf(lock),
    epoch,
  };
  const record: BuildRecord = {
    image,
    dump: store.add(Buffer.from(dumpText(tree), "latin1")),
    system: store.add(Buffer.from(canonicalJson(loaded.system))),
    lock: store.add(Buffer.from(canonicalJson(lock))),
  };
  return { record, tree, ids };
}
