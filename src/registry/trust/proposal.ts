/**
 * A release that waits for signatures: the next targets.json of a folder, in `trust/proposed.json`, signed by fewer keys than
 * have to. Machines never read it. People who have the other keys check it and add theirs; then it is published.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { hash } from "node:crypto";
import { join } from "node:path";
import { AshlarError } from "#errors";
import { canonicalJson } from "#formats/canonical-json.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import { manifestPath } from "../layout.ts";
import { parseRelease } from "../release.ts";
import type { ReleaseEntry } from "./entries.ts";
import type { TrustErrorCode } from "./errors.ts";
import { targetsOfFolder, writeTrust } from "./folder.ts";
import { entryOf, listedIn, nextTargets, nextVersion, releasesIn } from "./listing.ts";
import type { NewRelease } from "./listing.ts";
import { readRaw } from "./metadata.ts";
import { expiryOf, vouchFor } from "./place.ts";
import type { TrustFile } from "./place.ts";
import type { KeyRing } from "./ring.ts";
import { canSign, isComplete, signInTurn, signaturesOn } from "./signatures.ts";
import type { Signatures } from "./signatures.ts";

/** Seconds that the clocks of two people may differ. */
export const SKEW = 3600;

export const PROPOSAL_FILE = "trust/proposed.json";

export interface Proposal extends Signatures {
  readonly bytes: Buffer;
  readonly version: number;
  /** Releases that the list has more than before. */
  readonly added: readonly ReleaseEntry[];
}

/** Writes the list with one more release, in place of another proposal. @throws E_KEYS_*, E_PUBLISH_FOLDER */
export function proposeRelease(ring: KeyRing, folder: string, add: NewRelease, now: number): void {
  const known = listedIn(targetsOfFolder(folder), ring, folder);
  const signed = nextTargets(known.entries, [entryOf(add)], nextVersion(known.version, now), expiryOf("targets", ring, now));
  writeFileAtomic(join(folder, PROPOSAL_FILE), signInTurn(ring, { role: "targets", signed }).bytes);
}

/**
 * What waits in a folder, if what it says is the list that is there and more releases, and nothing else.
 * @param now milliseconds since 1970
 * @returns undefined where nothing waits, also when something newer was published since
 * @throws E_KEYS_PROPOSAL, E_PUBLISH_FOLDER, E_TRUST_*
 */
export function readProposal(ring: KeyRing, folder: string, now: number): Proposal | undefined {
  const path = join(folder, PROPOSAL_FILE);
  if (!existsSync(path)) return undefined;
  const bytes = readFileSync(path);
  const { signed } = readRaw(bytes, "targets", path);
  const known = listedIn(targetsOfFolder(folder), ring, folder);
  if (signed.version <= known.version) return undefined;
  const added = releasesIn(bytes, path).filter(({ sequence }) => !known.entries.some((each) => each.sequence === sequence));
  const expected = nextTargets(known.entries, added, signed.version, signed.expires);
  if (canonicalJson(signed) !== canonicalJson(expected)) throw refused(path, "it changes more of the list than to add releases");
  if (signed.expires > expiryOf("targets", ring, now + SKEW * 1000))
    throw refused(path, `it would be good until ${signed.expires}, longer than keys.json says`);
  for (const entry of added) checkManifest(folder, entry, path);
  return { bytes, version: signed.version, added, ...signedByOurs(signaturesOn(bytes, "targets", [ring.root]), path) };
}

/** Adds the signatures of the keys that are here. @throws E_KEYS_MISSING, E_KEYS_PASSPHRASE */
export function signProposal(ring: KeyRing, folder: string, proposal: Proposal): Proposal {
  const { signed } = readRaw(proposal.bytes, "targets", PROPOSAL_FILE);
  const next = { ...proposal, ...signInTurn(ring, { role: "targets", signed }, proposal.bytes) };
  writeFileAtomic(join(folder, PROPOSAL_FILE), next.bytes);
  return next;
}

/**
 * Publishes what enough keys have signed.
 * @returns what was written
 * @throws E_KEYS_MISSING when the online key is not here, which has to vouch for it
 */
export function publishProposal(ring: KeyRing, folder: string, proposal: Proposal, now: number): TrustFile[] {
  const files = vouchFor(proposal, ring, nextVersion(proposal.version, now), now);
  writeTrust(folder, files);
  dropProposal(folder);
  return files;
}

/** It is published, or overtaken. */
export function dropProposal(folder: string): void {
  rmSync(join(folder, PROPOSAL_FILE), { force: true });
}

/** Whether enough have signed, and {@link publishProposal} can vouch for it here. */
export function canPublish(ring: KeyRing, proposal: Proposal): boolean {
  return isComplete(proposal) && canSign(ring, "snapshot") && canSign(ring, "timestamp");
}

/** Strangers propose nothing: their signatures would be lost with the first of ours. @throws E_KEYS_PROPOSAL */
export function signedByOurs(signatures: Signatures, path: string): Signatures {
  if (signatures.have > 0) return signatures;
  throw refused(path, "none of the keys that may has signed it");
}

/** Who signs a list signs the digests in it; the bytes that have them are what machines get. */
function checkManifest(folder: string, { sequence, length, sha256, image }: ReleaseEntry, path: string): void {
  const manifest = join(folder, manifestPath(sequence));
  const bytes = existsSync(manifest) ? readFileSync(manifest) : undefined;
  if (bytes?.length !== length || hash("sha256", bytes) !== sha256)
    throw refused(path, `${manifestPath(sequence)} is not the one that it lists`);
  const release = parseRelease(bytes, manifest);
  if (release.sequence !== sequence || release.image.digest !== image)
    throw refused(path, `${manifestPath(sequence)} is of release ${release.sequence} with image ${release.image.digest}`);
}

export function refused(path: string, why: string): AshlarError<TrustErrorCode> {
  return new AshlarError("E_KEYS_PROPOSAL", `${path} is not signed: ${why}`, {
    hint: "ask who proposed it, and let them publish or rotate again; nothing was changed",
    details: { path },
  });
}
