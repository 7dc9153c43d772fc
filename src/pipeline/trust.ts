/** Who signs, and whom machines trust, have to be the same people. */
import type { System } from "#config/system.ts";
import { AshlarError } from "#errors";
import type { ReleaseSource } from "#registry/stream.ts";
import { refreshTrust } from "#registry/trust/client.ts";
import { entriesIn } from "#registry/trust/entries.ts";
import type { Signing } from "#registry/trust/signatures.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";

export type PipelineTrustErrorCode = "E_PUBLISH_ROOT" | "E_IMPORT_UNSIGNED";

/**
 * An image whose machines trust others would be their last. A config without a root makes machines that take nothing by themselves, which somebody may want.
 * @param system the System that was built, in the store
 * @throws E_PUBLISH_ROOT
 */
export function refuseOtherRoot(store: Store, system: ObjectId, signing: Signing): void {
  const { root } = (JSON.parse(store.read(system).toString("utf8")) as System).updates ?? {};
  if (root === undefined || signing === "unsafe-unsigned") return;
  if (signing.roots.some((each) => each.equals(Buffer.from(root)))) return;
  throw new AshlarError<PipelineTrustErrorCode>(
    "E_PUBLISH_ROOT",
    `\`updates.root\` of the config is none of the roots of ${signing.folder}: machines with this image would refuse every later release`,
    {
      hint: `name ${signing.folder}/${signing.roots.length}.root.json there, or the keys that belong to it; nothing was published`,
      details: { folder: signing.folder },
    },
  );
}

/**
 * The images that a source's releases have, as those say whom a root trusts.
 * @param root bytes of a root that is known to be the right one
 * @throws E_TRUST_* as on a machine that has this root
 */
export async function signedImages(source: ReleaseSource, root: Buffer): Promise<readonly ObjectId[]> {
  const { targets } = await refreshTrust(source, { trusted: { root }, now: Math.floor(Date.now() / 1000), remember: () => {} });
  return entriesIn(targets.signed.targets, source.address).map(({ image }) => image);
}

/** @param address what was looked at */
export function unsigned(address: string, why: string): AshlarError<PipelineTrustErrorCode> {
  return new AshlarError("E_IMPORT_UNSIGNED", `${address} ${why}`, {
    hint: "leave out --root to take an image that nobody vouches for; nothing was imported",
    details: { address },
  });
}
