/** Who signs, and whom machines trust, have to be the same people. */
import type { System } from "#config/system.ts";
import { AshlarError } from "#errors";
import type { Signing } from "#registry/trust/place.ts";

export type PipelineTrustErrorCode = "E_PUBLISH_ROOT";

/** A config without a root makes machines that take nothing by themselves, which somebody may want. @throws E_PUBLISH_ROOT */
export function refuseOtherRoot({ updates }: System, signing: Signing): void {
  if (updates.root === undefined || signing === "unsafe-unsigned") return;
  if (signing.roots.some((root) => root.equals(Buffer.from(updates.root ?? "")))) return;
  throw new AshlarError<PipelineTrustErrorCode>(
    "E_PUBLISH_ROOT",
    `\`updates.root\` of the config is none of the roots of ${signing.folder}: machines with this image would refuse every later release`,
    { hint: `name ${signing.folder}/${signing.roots.length}.root.json there, or the keys that belong to it; nothing was published`, details: { folder: signing.folder } },
  );
}
