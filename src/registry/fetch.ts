/** The machine's side: who vouches for a release comes first, then its manifest by length and digest, then its objects by theirs. */
import { hash } from "node:crypto";
import { Metadata, MetadataKind } from "@tufjs/models";
import type { Targets } from "@tufjs/models";
import { AshlarError, messageOf } from "#errors";
import { ShapeError } from "#formats/shape.ts";
import type { RegistryErrorCode } from "./errors.ts";
import { FOLDER_FILE, folderShape, manifestPath } from "./layout.ts";
import { parseRelease } from "./release.ts";
import type { Release } from "./release.ts";
import { readFrom } from "./stream.ts";
import type { ReleaseSource } from "./stream.ts";
import { need, refreshTrust } from "./trust/client.ts";
import type { Remember, TrustedMetadata } from "./trust/client.ts";
import { chooseEntry, entriesIn } from "./trust/entries.ts";
import type { ReleaseEntry, Standing } from "./trust/entries.ts";
import { versionIn } from "./trust/folder.ts";
import type { TrustErrorCode } from "./trust/errors.ts";
import { TIMESTAMP_FILE, metadataPath } from "./trust/layout.ts";
import { readRaw, trustError } from "./trust/metadata.ts";
import type { JsonObject } from "./trust/metadata.ts";
import { verifying } from "./trust/verdict.ts";

export interface TrustOptions {
  /** What this machine has verified so far, at the least the root of its image; undefined: it trusts nobody. */
  readonly trusted: TrustedMetadata | undefined;
  readonly remember?: Remember;
  readonly channel: string;
  readonly standing: Standing;
  /** Lower sequences are refused. */
  readonly minimumSequence: number;
  /** The System's name. */
  readonly name: string;
  /** Seconds since 1970, for everything that expires. */
  readonly now: number;
  /** Take what nobody vouches for, when nobody does. */
  readonly unsafeUnsigned?: boolean;
}

export interface VerifiedRelease {
  readonly release: Release;
  /** Ids of the keys that vouched for it; none for an unsigned one. */
  readonly signers: readonly string[];
  /** Where it came from. */
  readonly address: string;
  /** A newer release that can be had after this one. */
  readonly barrierTo?: number;
}

const SMALL_FILE_MAX = 4096;

/**
 * The release of a source that this machine goes to next, verified.
 * @throws E_SOURCE_UNREACHABLE, E_SOURCE_FORMAT, E_TRUST_*, E_RELEASE_MALFORMED, E_RELEASE_OTHER_SYSTEM, E_RELEASE_OLDER, E_RELEASE_EXPIRED
 */
export async function fetchRelease(source: ReleaseSource, trust: TrustOptions): Promise<VerifiedRelease> {
  await readFolderFile(source);
  const { entries, signers } = await listedBy(source, trust);
  const named = await source.names?.();
  const choice = { channel: trust.channel, named, standing: trust.standing, minimumSequence: trust.minimumSequence };
  const entry = chooseEntry(entries, choice, source.address);
  const newest = chooseEntry(entries, { ...choice, standing: {} }, source.address);
  const passing = entry.sequence < newest.sequence;
  const manifest = await readManifest(source, entry, passing ? newest.sequence : undefined);
  const address = `${source.address}/${manifestPath(entry.sequence)}`;
  const release = parseRelease(manifest, address);
  if (release.sequence !== entry.sequence || release.image.digest !== entry.image)
    throw trustError("E_TRUST_MISMATCH", `${address} is another release than the one that was signed`, address);
  accept(release, trust, address);
  return { release, signers, address, ...(passing ? { barrierTo: newest.sequence } : {}) };
}

interface Listed {
  readonly entries: readonly ReleaseEntry[];
  readonly signers: readonly string[];
}

async function listedBy(source: ReleaseSource, { trusted, remember = () => {}, now, unsafeUnsigned }: TrustOptions): Promise<Listed> {
  try {
    if (trusted === undefined)
      throw trustError("E_TRUST_NO_ROOT", "this machine's image names nobody who may sign releases", source.address);
    const { root, targets } = await refreshTrust(source, { trusted, now, remember });
    const signers = (root.signed.roles["targets"]?.keyIDs ?? []).filter((id) => id in targets.signatures);
    return { entries: entriesIn(targets.signed.targets, source.address), signers: signers.map((id) => id.slice(0, 16)) };
  } catch (error) {
    const nobody = error instanceof AshlarError && ["E_TRUST_NO_ROOT", "E_TRUST_UNSIGNED"].includes(error.code);
    if (unsafeUnsigned !== true || !nobody) throw error;
    return { entries: entriesIn((await unverifiedTargets(source)).signed.targets, source.address), signers: [] };
  }
}

/** What the source says without anybody vouching for it. @throws E_TRUST_* for what cannot be read */
async function unverifiedTargets(source: ReleaseSource): Promise<Metadata<Targets>> {
  const timestamp = await need(source, TIMESTAMP_FILE, "timestamp");
  const snapshot = await need(source, metadataPath("snapshot", versionIn(timestamp, "timestamp", source.address)), "snapshot");
  const bytes = await need(source, metadataPath("targets", versionIn(snapshot, "snapshot", source.address)), "targets");
  readRaw(bytes, "targets", source.address);
  return verifying("targets", source.address, () =>
    Metadata.fromJSON(MetadataKind.Targets, JSON.parse(bytes.toString("utf8")) as JsonObject),
  );
}

/** @param beyond the newer release on whose way this one is a barrier */
async function readManifest(source: ReleaseSource, entry: ReleaseEntry, beyond: number | undefined): Promise<Buffer> {
  const path = manifestPath(entry.sequence);
  const address = `${source.address}/${path}`;
  const read = async (): Promise<Buffer> => {
    const bytes = await readFrom(source, path, entry.length).catch((error: unknown) => {
      if (!(error instanceof AshlarError) || error.code !== "E_OBJECT_DIGEST") throw error;
      throw trustError("E_TRUST_MISMATCH", `${address} is longer than the ${entry.length} bytes that were signed`, address, error);
    });
    if (bytes === undefined) throw lacks(source, entry, beyond);
    if (bytes.length === entry.length && hash("sha256", bytes, "hex") === entry.sha256) return bytes;
    const what = `it has ${bytes.length} bytes and another digest than ${entry.sha256.slice(0, 16)}`;
    throw trustError("E_TRUST_MISMATCH", `${address} is not what was signed: ${what}`, address);
  };
  return read().catch((error: unknown) => {
    // What came as a difference comes whole when it is asked for again.
    if (error instanceof AshlarError && error.code === "E_TRUST_MISMATCH") return read();
    throw error;
  });
}

function lacks({ address }: ReleaseSource, { sequence }: ReleaseEntry, beyond: number | undefined): AshlarError<TrustErrorCode> {
  const where = `${address}/${manifestPath(sequence)}`;
  return beyond === undefined
    ? trustError("E_TRUST_INCOMPLETE", `${address} has no ${manifestPath(sequence)}`, where)
    : trustError("E_TRUST_BARRIER", `${address} lacks release ${sequence}, which this machine has to run before release ${beyond}`, where);
}

function accept(release: Release, trust: TrustOptions, address: string): void {
  const refuse = (code: RegistryErrorCode, why: string, hint: string): AshlarError =>
    new AshlarError(code, `${address}: ${why}`, {
      hint: `${hint}; the machine is unchanged`,
      details: { address, name: release.name, sequence: release.sequence },
    });
  if (release.name !== trust.name)
    throw refuse(
      "E_RELEASE_OTHER_SYSTEM",
      `it is for the system ${release.name}, this machine is ${trust.name}`,
      "use the source of this system",
    );
  if (release.sequence < trust.minimumSequence)
    throw refuse(
      "E_RELEASE_OLDER",
      `release ${release.sequence} is older than release ${trust.minimumSequence}, which this machine has had`,
      "to go back use `ashlar rollback`; else publish the older image again as a new release",
    );
  if (release.expires !== undefined && release.expires < trust.now)
    throw refuse(
      "E_RELEASE_EXPIRED",
      `release ${release.sequence} expired on ${isoTime(release.expires)}; it is now ${isoTime(trust.now)}`,
      "publish it again with a later date, or correct the machine's clock",
    );
}

async function readFolderFile(source: ReleaseSource): Promise<void> {
  const bytes = await readFrom(source, FOLDER_FILE, SMALL_FILE_MAX);
  if (bytes === undefined) throw noFolder(source, `it has no ${FOLDER_FILE}`);
  try {
    folderShape(JSON.parse(bytes.toString("utf8")), "");
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ShapeError) throw noFolder(source, `${FOLDER_FILE}: ${messageOf(error)}`, error);
    throw error;
  }
}

function noFolder(source: ReleaseSource, why: string, cause?: unknown): AshlarError<RegistryErrorCode> {
  return new AshlarError("E_SOURCE_FORMAT", `${source.address} is no release folder that this Ashlar can read: ${why}`, {
    cause,
    hint: "name the folder or address that `ashlar publish` wrote to; the machine is unchanged",
    details: { address: source.address },
  });
}

function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}
