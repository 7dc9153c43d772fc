/** `ashlar publish`: a signed release of a config's image, as static files. */
import { openStore } from "#store/open.ts";
import { publish } from "#registry/publish.ts";
import type { Release } from "#registry/release.ts";
import { readProposal } from "#registry/trust/proposal.ts";
import type { Signatures, Signing } from "#registry/trust/signatures.ts";
import { buildSystem } from "./build.ts";
import type { BuildOptions, BuildResult } from "./build.ts";
import type { Context } from "./context.ts";
import { refuseOtherRoot } from "./trust.ts";

export interface PublishOptions extends BuildOptions {
  /** The folder that machines read, directly or through any web server. */
  readonly folder: string;
  /** Who vouches for the release (`openRing`). */
  readonly signing: Signing;
  readonly channel?: string;
  readonly barrier?: boolean;
}

export interface PublishResult extends BuildResult {
  readonly folder: string;
  readonly release: Release;
  /** No machine sees it before others have signed. */
  readonly waits?: Signatures;
}

/** @throws E_PUBLISH_ROOT, E_KEYS_*, what building and publishing throw */
export async function publishSystem(options: PublishOptions, context: Context): Promise<PublishResult> {
  const { folder, signing, channel, barrier } = options;
  const built = await buildSystem(options, context);
  const store = await openStore(context.workspace.store);
  try {
    refuseOtherRoot(store, built.system, signing);
    const request = { image: built.image, store, folder, signing, report: context.report };
    const release = await publish({
      ...request,
      ...(channel === undefined ? {} : { channel }),
      ...(barrier === undefined ? {} : { barrier }),
    });
    const proposal = signing === "unsafe-unsigned" ? undefined : readProposal(signing, folder, Date.now());
    return { ...built, folder, release, ...(proposal === undefined ? {} : { waits: { have: proposal.have, need: proposal.need } }) };
  } finally {
    await store.close();
  }
}
