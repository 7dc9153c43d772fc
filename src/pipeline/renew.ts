/** `ashlar keys renew`: what is published stays, what says that it is current is signed anew. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AshlarError } from "#errors";
import { createLayout } from "#registry/oci/layout.ts";
import { pushArtifact } from "#registry/oci/push.ts";
import { isOciAddress, parseReference } from "#registry/oci/reference.ts";
import { openSession, registryRepository } from "#registry/oci/registry.ts";
import type { RegistryOptions } from "#registry/oci/registry.ts";
import { TRUST_TAG, exportTrust, targetsOfRepository } from "#registry/oci/trust.ts";
import type { RegistryErrorCode } from "#registry/errors.ts";
import { targetsOfFolder, writeTrust } from "#registry/trust/folder.ts";
import { placeFiles } from "#registry/trust/place.ts";
import type { TrustFile } from "#registry/trust/place.ts";
import { publishProposal, readProposal } from "#registry/trust/proposal.ts";
import type { Proposal } from "#registry/trust/proposal.ts";
import type { KeyRing } from "#registry/trust/ring.ts";
import { isComplete } from "#registry/trust/signatures.ts";
import type { Step } from "#report/reporter.ts";
import type { Context } from "./context.ts";

export interface RenewOptions extends RegistryOptions {
  readonly signing: KeyRing;
  /** A folder of `ashlar publish`, or oci://host/name. */
  readonly place: string;
}

export interface Renewed {
  /** When the timestamp has to be renewed again. */
  readonly expires: string;
  /** Version of the newest root there. */
  readonly root: number;
}

/** @throws E_PUBLISH_FOLDER, E_KEYS_*, E_OCI_* */
export async function renewTrust({ signing, place, ...options }: RenewOptions, context: Context): Promise<Renewed> {
  const files = await context.report.step(`renew ${place}`, async (step) => {
    if (!isOciAddress(place)) {
      const proposal = completeProposal(signing, place, step);
      if (proposal !== undefined) return publishProposal(signing, place, proposal, Date.now());
      const renewed = renewedFiles(signing, existsSync(place) ? targetsOfFolder(place) : undefined, place);
      writeTrust(place, renewed);
      return renewed;
    }
    const reference = parseReference(place);
    const session = openSession(reference, options);
    const renewed = renewedFiles(signing, await targetsOfRepository(registryRepository(session, reference)), place);
    mkdirSync(context.workspace.work, { recursive: true });
    const layout = mkdtempSync(join(context.workspace.work, "renew-"));
    try {
      createLayout(layout);
      await pushArtifact(session, { layout, artifact: exportTrust(layout, renewed), tag: TRUST_TAG }, step);
    } finally {
      rmSync(layout, { recursive: true, force: true });
    }
    return renewed;
  });
  const { signed } = JSON.parse(files.at(-1)?.bytes.toString("utf8") ?? "") as { signed: { expires: string } };
  return { expires: signed.expires, root: signing.roots.length };
}

/** What everybody has signed where only the online key was missing. Whatever else lies there must not keep a timer from renewing. */
function completeProposal(signing: KeyRing, folder: string, step: Step): Proposal | undefined {
  try {
    const proposal = readProposal(signing, folder, Date.now());
    return proposal !== undefined && isComplete(proposal) ? proposal : undefined;
  } catch (error) {
    if (!(error instanceof AshlarError)) throw error;
    step.note("warning", error.message);
    return undefined;
  }
}

function renewedFiles(signing: KeyRing, before: Buffer | undefined, where: string): TrustFile[] {
  if (before !== undefined) return placeFiles({ signing, before, where, now: Date.now() });
  throw new AshlarError<RegistryErrorCode>("E_PUBLISH_FOLDER", `${where} has no releases that anybody vouches for`, {
    hint: "name a folder that `ashlar publish` wrote to, or a repository of `ashlar push --keys`",
    details: { place: where },
  });
}
