/** The machine's side: nothing of a release is looked at before its signature, nothing of an object kept before its digest. */
import { AshlarError, messageOf } from "#errors";
import { ShapeError } from "#formats/shape.ts";
import type { Shape } from "#formats/shape.ts";
import type { RegistryErrorCode } from "./errors.ts";
import { FOLDER_FILE, LATEST_FILE, folderShape, latestShape, manifestPath, signaturePath } from "./layout.ts";
import { MANIFEST_MAX, parseRelease } from "./release.ts";
import type { Release } from "./release.ts";
import { SIGNATURE_FILE_MAX, keyId, verifyContent } from "./sign.ts";
import { readFrom } from "./stream.ts";
import type { ReleaseSource } from "./stream.ts";

export interface TrustOptions {
  /** Public keys in text form, from the image; one good signature by any of them is enough. */
  readonly trustedKeys: readonly string[];
  /** Lower sequences are refused. */
  readonly minimumSequence: number;
  /** The System's name. */
  readonly name: string;
  /** Seconds since 1970, for `expires`. */
  readonly now: number;
}

export interface VerifiedRelease {
  readonly release: Release;
  /** Id of the key that vouched for it. */
  readonly key: string;
  /** Where it came from. */
  readonly address: string;
}

const SMALL_FILE_MAX = 4096;

/**
 * The newest release of a source, verified.
 * @throws E_SOURCE_UNREACHABLE, E_SOURCE_FORMAT, E_RELEASE_UNTRUSTED, E_RELEASE_SIGNATURE, E_RELEASE_MALFORMED, E_RELEASE_OTHER_SYSTEM, E_RELEASE_OLDER, E_RELEASE_EXPIRED
 */
export async function fetchRelease(source: ReleaseSource, trust: TrustOptions): Promise<VerifiedRelease> {
  await readSmall(source, FOLDER_FILE, folderShape);
  const { sequence } = await readSmall(source, LATEST_FILE, latestShape);
  const address = `${source.address}/${manifestPath(sequence)}`;
  const manifest = await need(source, manifestPath(sequence), MANIFEST_MAX);
  const signatures = await need(source, signaturePath(sequence), SIGNATURE_FILE_MAX);
  const key = verified(manifest, signatures.toString("latin1"), trust.trustedKeys, address);
  const release = parseRelease(manifest, address);
  accept(release, trust, address);
  return { release, key, address };
}

function verified(manifest: Buffer, signatures: string, trusted: readonly string[], address: string): string {
  const verdict = verifyContent(manifest, signatures, trusted);
  if (verdict.signed) return verdict.key;
  const unchanged = "the machine is unchanged";
  if (verdict.wrong.length > 0)
    throw new AshlarError<RegistryErrorCode>(
      "E_RELEASE_SIGNATURE",
      `${address}: the signature of key ${verdict.wrong.join(", ")} does not fit; the release was altered after it was signed`,
      { hint: `publish it again, or check who can write to the source; ${unchanged}`, details: { address, keys: verdict.wrong } },
    );
  const who = verdict.present.length === 0 ? "nobody signed it" : `it is signed by ${verdict.present.join(", ")}`;
  const ids = trusted.map(keyId);
  throw new AshlarError<RegistryErrorCode>(
    "E_RELEASE_UNTRUSTED",
    `${address}: ${who}; this machine trusts ${ids.length === 0 ? "no key" : ids.join(", ")}`,
    {
      hint: `sign it with a trusted key: ashlar publish --key PATH (trusted keys are \`updates.keys\` of the config); ${unchanged}`,
      details: { address, signed: verdict.present, trusted: ids },
    },
  );
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

async function readSmall<T>(source: ReleaseSource, path: string, shape: Shape<T>): Promise<T> {
  const bytes = await need(source, path, SMALL_FILE_MAX);
  try {
    return shape(JSON.parse(bytes.toString("utf8")), "");
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ShapeError) throw noFolder(source, `${path}: ${messageOf(error)}`, error);
    throw error;
  }
}

async function need(source: ReleaseSource, path: string, limit: number): Promise<Buffer> {
  const bytes = await readFrom(source, path, limit);
  if (bytes === undefined) throw noFolder(source, `it has no ${path}`);
  return bytes;
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
