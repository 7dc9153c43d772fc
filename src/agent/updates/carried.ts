/** A folder that `ashlar export --usb` filled has only what certain releases lack; which, it says itself. */
import { AshlarError } from "#errors";
import { readCarried } from "#registry/carried.ts";
import { objectPath } from "#registry/layout.ts";
import type { ReleaseObject } from "#registry/release.ts";
import type { ReleaseSource } from "#registry/stream.ts";
import type { Store } from "#store/store.ts";

export type CarriedErrorCode = "E_UPDATE_PARTIAL";

/**
 * Refuses, before anything is fetched, when the only source is such a folder and does not have everything.
 * @throws E_UPDATE_PARTIAL
 */
export async function refusePartial(sources: readonly ReleaseSource[], objects: readonly ReleaseObject[], store: Store): Promise<void> {
  const [source, ...others] = sources;
  if (source === undefined || others.length > 0) return;
  const carried = await readCarried(source);
  if (carried === undefined) return;
  const here = new Set(carried.objects);
  const lacking = objects.filter(({ object }) => !store.has(object) && !here.has(object));
  const [first] = lacking;
  if (first === undefined) return;
  const known = carried.from.map(({ sequence }) => sequence).join(", ");
  throw new AshlarError<CarriedErrorCode>(
    "E_UPDATE_PARTIAL",
    `${source.address} has only what machines with release ${known} lack, and this machine has none of them: ${lacking.length} objects are in neither, ${objectPath(first.object)} among them`,
    {
      hint: "export it again for what runs here: `ashlar status` says its release, then ashlar export --usb DIR --from RELEASE; the machine is unchanged",
      details: { address: source.address, from: carried.from.map(({ sequence }) => sequence), lacking: lacking.length },
    },
  );
}
