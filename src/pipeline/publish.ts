/** `ashlar publish`: a signed release of a config's image, as static files. */
import { openStore } from "#store/open.ts";
import { publish } from "#registry/publish.ts";
import type { Release } from "#registry/release.ts";
import { buildSystem } from "./build.ts";
import type { BuildOptions, BuildResult } from "./build.ts";
import type { Context } from "./context.ts";

export interface PublishOptions extends BuildOptions {
  /** The folder that machines read, directly or through any web server. */
  readonly folder: string;
  /** Path of the private key (`ashlar key create`). */
  readonly key: string;
}

export interface PublishResult extends BuildResult {
  readonly folder: string;
  readonly release: Release;
}

export async function publishSystem(options: PublishOptions, context: Context): Promise<PublishResult> {
  const built = await buildSystem(options, context);
  const store = await openStore(context.workspace.store);
  try {
    const release = await publish({ image: built.image, store, folder: options.folder, keyPath: options.key, report: context.report });
    return { ...built, folder: options.folder, release };
  } finally {
    await store.close();
  }
}
